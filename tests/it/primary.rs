//! `SetPrimaryIdentity`.

use identity_link::grpc::proto as pb;
use serde_json::json as object;

use crate::support::{tokens::Token, *};

fn primary(user_id: &str, provider: &str, subject: &str) -> pb::SetPrimaryIdentityRequest {
    let identity = identity_ref(provider, subject);
    pb::SetPrimaryIdentityRequest { user_id: user_id.to_owned(), identity, ..Default::default() }
}

/// A Google user with a name, which has absorbed an SMS user with another name and has attached a
/// GitHub account. Returns the ids of the two users.
async fn three_identities(server: &TestServer) -> [String; 2] {
    let service = server.service();
    let mut ids = Vec::new();
    for (provider, subject, name) in [("google-oauth2", "g1", "Ann G"), ("sms", "s1", "Ann S")] {
        let created = service.create_with(provider, subject, |request| {
            let profile = object!({"name": name, "from": provider});
            request.identity.as_mut().unwrap().profile_data = object(profile);
            request.profile_overrides = object(object!({ "title": "Dr" }));
        });
        ids.push(created.await.id);
    }
    service.link(link_user(&ids[0], &ids[1])).await.unwrap();
    server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("github", "h1")))
        .await
        .unwrap();
    ids.try_into().unwrap()
}

#[tokio::test]
async fn profile_and_order_change_and_the_id_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = three_identities(&server).await;
    let before = service.user(&google).await;
    assert_eq!(
        json(&before.profile),
        object!({"name": "Ann G", "from": "google-oauth2", "title": "Dr"})
    );

    let after =
        service.set_primary_identity(primary(&google, "sms", "s1")).await.unwrap().user.unwrap();

    assert_eq!((&after.id, after.version), (&google, before.version + 1));
    assert_eq!(after, service.user(&google).await);
    assert_eq!(identities(&after), ["sms|s1", "google-oauth2|g1", "github|h1"]);
    assert_eq!(json(&after.profile), object!({"name": "Ann S", "from": "sms", "title": "Dr"}));
    let homes = |user: &pb::User| {
        let mut homes: Vec<_> =
            user.identities.iter().map(|identity| identity.origin_user_id.clone()).collect();
        homes.sort();
        homes
    };
    assert_eq!(homes(&after), homes(&before), "an unlink restores the same users as before");
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn the_former_primary_identity_can_be_unlinked() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = three_identities(&server).await;
    let person = server.person("google-oauth2", "g1");
    let refused = server.db_refused(person.unlink(unlink("", "google-oauth2", "g1"))).await;
    assert_eq!(refused, "FailedPrecondition PRIMARY_IDENTITY");

    person.set_primary_identity(primary("", "github", "h1")).await.unwrap();
    let unlinked = person.unlink(unlink("", "google-oauth2", "g1")).await.unwrap();

    assert!(!unlinked.restored, "the identity was always this user's");
    let (left, detached) = (unlinked.user.unwrap(), unlinked.detached_user.unwrap());
    assert_eq!(
        (&left.id, identities(&left)),
        (&google, vec!["github|h1".to_owned(), "sms|s1".to_owned()])
    );
    assert_eq!(json(&left.profile), object!({"title": "Dr"}));
    assert_ne!(detached.id, google);
    assert_eq!(
        json(&detached.profile),
        object!({"name": "Ann G", "from": "google-oauth2"}),
        "the overrides stay with the former user"
    );
    assert_eq!(service.owner("google-oauth2", "g1").await, detached.id);

    // An identity that was primary here brings back its own user when it is unlinked.
    service.set_primary_identity(primary(&google, "sms", "s1")).await.unwrap();
    assert_eq!(
        refusal(service.unlink(unlink(&google, "sms", "s1")).await),
        "FailedPrecondition PRIMARY_IDENTITY"
    );
    service.set_primary_identity(primary(&google, "github", "h1")).await.unwrap();
    let back = service.unlink(unlink(&google, "sms", "s1")).await.unwrap().detached_user.unwrap();
    assert_eq!((back.id, json(&back.profile)["name"].as_str()), (sms, Some("Ann S")));
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_user_whose_own_identities_have_all_left_goes_where_its_holder_goes() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = Vec::new();
    for (provider, subject) in
        [("google-oauth2", "p1"), ("sms", "s1"), ("github", "q1"), ("auth0", "r1")]
    {
        ids.push(service.create(provider, subject).await.id);
    }
    let [p, s, q, r] = ids.try_into().unwrap();
    service.link(link_user(&p, &s)).await.unwrap();
    service.set_primary_identity(primary(&p, "sms", "s1")).await.unwrap();
    service.unlink(unlink(&p, "google-oauth2", "p1")).await.unwrap();
    service.link(link_user(&q, &p)).await.unwrap();
    assert_eq!(service.unlink(unlink(&q, "sms", "s1")).await.unwrap().detached_user.unwrap().id, s);
    server.database.db_assert_invariants_but_no_way_back_for(std::slice::from_ref(&p)).await;

    service.link(link_user(&r, &q)).await.unwrap();

    let (absorbed, current) = (format!("ABSORBED {r}"), |id: &str| format!("CURRENT {id}"));
    assert_eq!(
        service.resolved(&[&p, &s, &q, &r]).await,
        [absorbed.clone(), current(&s), absorbed, current(&r)]
    );
    server.database.db_assert_invariants_but_no_way_back_for(&[p]).await;
}

#[tokio::test]
async fn identities_move_in_the_order_in_which_they_came() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = three_identities(&server).await;
    service.set_primary_identity(primary(&google, "github", "h1")).await.unwrap();
    let holder = service.create("auth0", "a1").await.id;

    let user = service.link(link_user(&holder, &google)).await.unwrap().user.unwrap();

    assert_eq!(identities(&user), ["auth0|a1", "google-oauth2|g1", "sms|s1", "github|h1"]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn setting_the_present_primary_identity_changes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = three_identities(&server).await;
    let (before, rows) = (service.user(&google).await, server.database.db_everything().await);
    for caller in [service, server.person("google-oauth2", "g1")] {
        let after = caller
            .set_primary_identity(primary(&google, "google-oauth2", "g1"))
            .await
            .unwrap()
            .user
            .unwrap();
        assert_eq!(after, before);
    }
    assert_eq!(rows, server.database.db_everything().await);
}

#[tokio::test]
async fn a_preview_has_the_whole_response_and_changes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = three_identities(&server).await;
    let preview =
        pb::SetPrimaryIdentityRequest { validate_only: true, ..primary(&google, "sms", "s1") };

    let mut previewed =
        server.db_previewed(service.set_primary_identity(preview)).await.user.unwrap();
    let after =
        service.set_primary_identity(primary(&google, "sms", "s1")).await.unwrap().user.unwrap();

    previewed.update_time = after.update_time;
    assert_eq!(previewed, after);
}

#[tokio::test]
async fn only_an_identity_of_the_user_becomes_primary() {
    const NOT_FOUND: &str = "NotFound IDENTITY_NOT_FOUND";
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = three_identities(&server).await;
    service.create("auth0", "a1").await;
    let person = server.person("google-oauth2", "g1");

    for (caller, user_id) in [(&service, google.as_str()), (&person, "")] {
        for subject in ["a1", "nobody"] {
            let call = caller.set_primary_identity(primary(user_id, "auth0", subject));
            assert_eq!(server.db_refused(call).await, NOT_FOUND);
            let preview = pb::SetPrimaryIdentityRequest {
                validate_only: true,
                ..primary(user_id, "auth0", subject)
            };
            assert_eq!(server.db_refused(caller.set_primary_identity(preview)).await, NOT_FOUND);
        }
    }
    let refused = [
        (&service, primary("usr_nobody", "sms", "s1"), "NotFound USER_NOT_FOUND"),
        (&service, primary(&sms, "sms", "s1"), "FailedPrecondition USER_ABSORBED"),
        (&person, primary("usr_nobody", "sms", "s1"), "PermissionDenied NOT_YOUR_USER"),
        (
            &service,
            pb::SetPrimaryIdentityRequest {
                expected_version: Some(1),
                ..primary(&google, "sms", "s1")
            },
            "Aborted VERSION_MISMATCH",
        ),
    ];
    for (caller, request, expected) in refused {
        assert_eq!(server.db_refused(caller.set_primary_identity(request)).await, expected);
    }
    insta::assert_snapshot!(refusal(service.set_primary_identity(Default::default()).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    identity: is required
    ");
    insta::assert_snapshot!(refusal(service.set_primary_identity(primary("", "sms", "s1")).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    ");
    let elsewhere = server.service_of("other");
    let refused =
        server.db_refused(elsewhere.set_primary_identity(primary(&google, "sms", "s1"))).await;
    assert_eq!(refused, "NotFound USER_NOT_FOUND");
}

#[tokio::test]
async fn a_person_needs_the_scope_and_a_recent_sign_in_and_is_not_blocked() {
    const REAUTHENTICATE: &str = "PermissionDenied REAUTHENTICATION_REQUIRED";
    let server = TestServer::start().await;
    let [google, sms] = three_identities(&server).await;
    let now = identity_link::clock::now().timestamp();
    let token = || Token::of("google-oauth2", "g1");
    let refused = [
        (token().issued_ago(601), REAUTHENTICATE),
        (token().with("auth_time", now - 601), REAUTHENTICATE),
        (Token::of("users", &sms).issued_ago(60), REAUTHENTICATE),
        (
            token().scope("read:current_user update:current_user_metadata"),
            "PermissionDenied SCOPE_INSUFFICIENT",
        ),
    ];
    for (token, expected) in refused {
        let call = server.caller(&token);
        assert_eq!(
            server.db_refused(call.set_primary_identity(primary("", "sms", "s1"))).await,
            expected
        );
    }
    let service = server.service();
    service.block(&google, true).await;
    let person = server.caller(&token());
    let call = person.set_primary_identity(primary("", "sms", "s1"));
    assert_eq!(server.db_refused(call).await, "PermissionDenied USER_BLOCKED");
    let call = service.set_primary_identity(primary(&google, "sms", "s1"));
    assert_eq!(server.db_refused(call).await, "FailedPrecondition USER_BLOCKED");
    service.block(&google, false).await;

    let recent = server.caller(&token().issued_ago(1000).with("auth_time", now - 500));
    recent.set_primary_identity(primary("", "sms", "s1")).await.unwrap();
}
