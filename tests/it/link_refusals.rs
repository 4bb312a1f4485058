//! `Link`: refusals that do not depend on the proof, and previews.

use identity_link::grpc::proto::{self as pb, link_response::Outcome};

use crate::support::{tokens::Token, *};

/// A Google user, an SMS user, and their ids.
async fn two_users(server: &TestServer) -> [String; 2] {
    let service = server.service();
    [service.create("google-oauth2", "g1").await.id, service.create("sms", "s1").await.id]
}

#[tokio::test]
async fn the_request_must_name_the_users_to_link() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = two_users(&server).await;
    let person = server.person("google-oauth2", "g1");

    insta::assert_snapshot!(refusal(service.link(pb::LinkRequest::default()).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    secondary: is required: link_with, link_ticket, identity or secondary_user_id
    ");
    insta::assert_snapshot!(refusal(person.link(link_with("")).await), @r"
    InvalidArgument REQUEST_INVALID
    link_with: must be a token of the secondary user
    ");
    insta::assert_snapshot!(refusal(service.link(link_identity("a b", "Git Hub", "")).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    identity.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    identity.subject: must be 1 to 255 bytes without control characters
    ");
    insta::assert_snapshot!(refusal(service.link(link_user(&google, "")).await), @r"
    InvalidArgument REQUEST_INVALID
    secondary_user_id: must be 1 to 255 printable ASCII characters without spaces
    ");
    insta::assert_snapshot!(refusal(service.link(link_with(&server.proof("sms", "s1"))).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    ");
}

#[tokio::test]
async fn a_person_proves_the_second_user_and_links_into_its_own() {
    let server = TestServer::start().await;
    let [google, sms] = two_users(&server).await;
    let person = server.person("google-oauth2", "g1");
    let own = |request: pb::LinkRequest, user_id: &str| pb::LinkRequest {
        user_id: user_id.to_owned(),
        ..request
    };

    for request in [
        link_identity("", "sms", "s1"),
        link_user("", &sms),
        link_identity(&google, "sms", "nobody"),
    ] {
        assert_eq!(
            server.db_refused(person.link(request)).await,
            "PermissionDenied SCOPE_INSUFFICIENT"
        );
    }
    let proof = server.proof("sms", "s1");
    for stranger in [sms.as_str(), "usr_nobody"] {
        let refused = server.db_refused(person.link(own(link_with(&proof), stranger))).await;
        assert_eq!(
            refused, "PermissionDenied NOT_YOUR_USER",
            "the same whether there is such a user or not"
        );
    }
    let without =
        server.caller(&Token::of("google-oauth2", "g1").scope("read:current_user update:users"));
    assert_eq!(
        server.db_refused(without.link(link_with(&proof))).await,
        "PermissionDenied SCOPE_INSUFFICIENT"
    );
    let unknown = server.person("google-oauth2", "nobody");
    assert_eq!(server.db_refused(unknown.link(link_with(&proof))).await, "NotFound USER_NOT_FOUND");
    assert_eq!(
        server.db_refused(server.nobody().link(link_with(&proof))).await,
        "Unauthenticated TOKEN_MISSING"
    );

    assert_eq!(
        person.link(own(link_with(&proof), &google)).await.unwrap().outcome(),
        Outcome::Absorbed
    );
}

#[tokio::test]
async fn expected_versions_are_those_of_both_users() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    let expecting = |primary, secondary| pb::LinkRequest {
        expected_version: primary,
        expected_secondary_version: secondary,
        ..link_user(&google, &sms)
    };
    for (primary, secondary) in
        [(Some(2), None), (None, Some(2)), (Some(1), Some(0)), (Some(0), Some(1))]
    {
        let refused = server.db_refused(service.link(expecting(primary, secondary))).await;
        assert_eq!(refused, "Aborted VERSION_MISMATCH");
    }
    service.link(expecting(Some(1), Some(1))).await.unwrap();

    // An account that no user owns has no user whose version could be expected.
    let person = server.person("google-oauth2", "g1");
    let attach = |primary, secondary| pb::LinkRequest {
        expected_version: primary,
        expected_secondary_version: secondary,
        ..link_with(&server.proof("github", "h1"))
    };
    for (primary, secondary) in [(Some(1), None), (None, Some(1))] {
        assert_eq!(
            server.db_refused(person.link(attach(primary, secondary))).await,
            "Aborted VERSION_MISMATCH"
        );
    }
    person.link(attach(Some(2), None)).await.unwrap();
}

/// A35: a user has at most 100 identities.
#[tokio::test]
async fn a_user_holds_a_hundred_identities() {
    const TOO_MANY: &str = "FailedPrecondition TOO_MANY_IDENTITIES";
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    let github = service.create("github", "h1").await.id;
    server.db_give_identities(&google, 97).await;
    server.db_give_identities(&github, 1).await;

    // 98 and 2 are 100.
    let full = service.link(link_user(&google, &github)).await.unwrap().user.unwrap();
    assert_eq!(full.identities.len(), 100);

    assert_eq!(server.db_refused(service.link(link_user(&google, &sms))).await, TOO_MANY);
    assert_eq!(server.db_refused(service.link(link_user(&sms, &google))).await, TOO_MANY);
    let person = server.person("google-oauth2", "g1");
    assert_eq!(
        server.db_refused(person.link(link_with(&server.proof("wallet", "w1")))).await,
        TOO_MANY
    );

    service.unlink(unlink(&google, "bulk", &format!("{google} 1"))).await.unwrap();
    let attached = server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("wallet", "w1")))
        .await
        .unwrap();
    assert_eq!(attached.user.unwrap().identities.len(), 100);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_blocked_user_is_not_linked() {
    const BLOCKED: &str = "FailedPrecondition USER_BLOCKED";
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    service.block(&sms, true).await;

    assert_eq!(server.db_refused(service.link(link_user(&google, &sms))).await, BLOCKED);
    assert_eq!(server.db_refused(service.link(link_user(&sms, &google))).await, BLOCKED);
    let person = server.person("google-oauth2", "g1");
    assert_eq!(
        server.db_refused(person.link(link_with(&server.proof("sms", "s1")))).await,
        BLOCKED
    );
    let attach =
        pb::LinkRequest { user_id: sms.clone(), ..link_with(&server.proof("github", "h1")) };
    assert_eq!(server.db_refused(service.link(attach)).await, BLOCKED);
    let blocked = server.person("sms", "s1");
    for proof in [server.proof("google-oauth2", "g1"), server.proof("github", "h1")] {
        let refused = server.db_refused(blocked.link(link_with(&proof))).await;
        assert_eq!(refused, "PermissionDenied USER_BLOCKED", "as the caller");
    }

    service.block(&sms, false).await;
    person.link(link_with(&server.proof("sms", "s1"))).await.unwrap();
}

#[tokio::test]
async fn a_shared_verified_email_can_be_demanded() {
    const NOT_SHARED: &str = "FailedPrecondition EMAIL_NOT_SHARED";
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = Vec::new();
    for (subject, email, verified) in [
        ("g1", "ann@example.com", true),
        ("g2", "ann@example.com", false),
        ("g3", "bob@example.com", true),
        ("g4", "", false),
        ("g5", "Ann@EXAMPLE.com", true),
    ] {
        let created = service.create_with("google-oauth2", subject, |request| {
            let identity = request.identity.as_mut().unwrap();
            (identity.email, identity.email_verified) = (email.to_owned(), verified);
        });
        ids.push(created.await.id);
    }
    let demanding = |request| pb::LinkRequest { require_shared_verified_email: true, ..request };
    for other in &ids[1..4] {
        assert_eq!(
            server.db_refused(service.link(demanding(link_user(&ids[0], other)))).await,
            NOT_SHARED
        );
        assert_eq!(
            server.db_refused(service.link(demanding(link_user(other, &ids[0])))).await,
            NOT_SHARED
        );
    }
    let person = server.person("google-oauth2", "g1");
    let claiming = |issuer, email: &str| {
        link_with(&Token::of(issuer, "x").with("email", email).with("email_verified", true).sign())
    };
    for request in [claiming("sms", "ann@example.com"), claiming("github", "bob@example.com")] {
        assert_eq!(server.db_refused(person.link(demanding(request))).await, NOT_SHARED);
    }

    person.link(demanding(claiming("github", "ANN@example.com"))).await.unwrap();
    service.link(demanding(link_user(&ids[0], &ids[4]))).await.unwrap();
}

#[tokio::test]
async fn an_absorbed_user_is_not_linked_by_name() {
    const ABSORBED: &str = "FailedPrecondition USER_ABSORBED";
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    let github = service.create("github", "h1").await.id;
    service.link(link_user(&google, &sms)).await.unwrap();

    assert_eq!(server.db_refused(service.link(link_user(&sms, &github))).await, ABSORBED);
    assert_eq!(server.db_refused(service.link(link_user(&sms, &google))).await, ABSORBED);
    assert_eq!(server.db_refused(service.link(link_user(&github, &sms))).await, ABSORBED);
    // An identity names its owner, here the holder.
    let linked = service.link(link_identity(&github, "sms", "s1")).await.unwrap();
    assert_eq!(linked.link.unwrap().secondary_user_id, google);
}

#[tokio::test]
async fn a_token_for_an_absorbed_id_reads_but_writes_only_after_a_new_sign_in() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    service.link(link_user(&google, &sms)).await.unwrap();
    let older = server.caller(&Token::of("users", &sms).issued_ago(60));
    let proof = server.proof("github", "h1");

    assert_eq!(older.user("").await.id, google);
    for user_id in ["", &sms, &google] {
        let request = pb::LinkRequest { user_id: user_id.to_owned(), ..link_with(&proof) };
        assert_eq!(
            server.db_refused(older.link(request)).await,
            "PermissionDenied REAUTHENTICATION_REQUIRED"
        );
    }
    let newer = server.caller(&Token::of("users", &sms).issued_ago(-5));
    let linked = newer.link(link_with(&proof)).await.unwrap();
    assert_eq!(linked.user.unwrap().id, google);
}

#[tokio::test]
async fn tenants_do_not_know_of_each_other() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    service.link(link_user(&google, &sms)).await.unwrap();
    let elsewhere = server.service_of("other");
    let other = elsewhere.create("google-oauth2", "g1").await.id;

    let unknown = [
        (link_user(&google, &other), "NotFound USER_NOT_FOUND"),
        (link_user(&other, &google), "NotFound USER_NOT_FOUND"),
        (link_user(&other, &sms), "NotFound USER_NOT_FOUND"),
        (link_identity(&other, "sms", "s1"), "NotFound IDENTITY_NOT_FOUND"),
    ];
    for (request, expected) in unknown {
        assert_eq!(server.db_refused(elsewhere.link(request)).await, expected);
    }
    // The same account may belong to another user in the other tenant.
    let person = server.caller(&Token::of("google-oauth2", "g1").tenant("other"));
    let proof = Token::of("sms", "s1").tenant("other").sign();
    assert_eq!(person.link(link_with(&proof)).await.unwrap().outcome(), Outcome::Attached);
    assert_eq!(service.owner("sms", "s1").await, google);
    server.database.db_assert_invariants().await;
}

/// The response without the ids and times that only the real call can know.
fn timeless(mut answer: pb::LinkResponse) -> pb::LinkResponse {
    let (user, link) = (answer.user.as_mut().unwrap(), answer.link.as_mut().unwrap());
    user.update_time = None;
    user.identities.iter_mut().skip(1).for_each(|identity| identity.attach_time = None);
    (link.id, link.link_time) = (String::new(), None);
    answer
}

#[tokio::test]
async fn a_preview_has_the_whole_response_and_changes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    let absorb = pb::LinkRequest { user_metadata: merge_default(), ..link_user(&google, &sms) };
    let attach =
        pb::LinkRequest { user_id: google.clone(), ..link_with(&server.proof("github", "h1")) };
    for request in [absorb, attach] {
        let preview = pb::LinkRequest { validate_only: true, ..request.clone() };
        let previewed = server.db_previewed(service.link(preview.clone())).await;
        let linked = service.link(request).await.unwrap();

        assert_eq!(previewed.link.as_ref().unwrap().id, "", "there is no link yet");
        assert_eq!(timeless(previewed), timeless(linked.clone()));
        let again = server.db_previewed(service.link(preview)).await;
        assert_eq!(
            (again.outcome(), again.link),
            (Outcome::AlreadyLinked, linked.link),
            "now there is a link"
        );
    }
}

#[tokio::test]
async fn a_preview_is_refused_as_the_call_would_be() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = two_users(&server).await;
    let blocked =
        service.create_with("google-oauth2", "g2", |request| request.blocked = true).await.id;
    let demanding =
        pb::LinkRequest { require_shared_verified_email: true, ..link_user(&google, &sms) };
    let outdated = pb::LinkRequest { expected_version: Some(9), ..link_user(&google, &sms) };
    let same = [
        (link_user(&google, &google), "InvalidArgument SAME_USER"),
        (link_user(&google, "usr_nobody"), "NotFound USER_NOT_FOUND"),
        (link_identity(&google, "sms", "nobody"), "NotFound IDENTITY_NOT_FOUND"),
        (link_user(&google, &blocked), "FailedPrecondition USER_BLOCKED"),
        (demanding, "FailedPrecondition EMAIL_NOT_SHARED"),
        (outdated, "Aborted VERSION_MISMATCH"),
    ];
    for (request, expected) in same {
        let preview = pb::LinkRequest { validate_only: true, ..request.clone() };
        assert_eq!(server.db_refused(service.link(preview)).await, expected);
        assert_eq!(server.db_refused(service.link(request)).await, expected);
    }
}
