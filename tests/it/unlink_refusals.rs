//! `Unlink`: refusals, and which tokens are valid afterwards.

use identity_link::grpc::proto as pb;

use crate::support::{tokens::Token, *};

const REAUTHENTICATE: &str = "PermissionDenied REAUTHENTICATION_REQUIRED";

/// A Google user that has absorbed an SMS user. Returns their ids.
async fn linked(server: &TestServer) -> [String; 2] {
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let sms = service.create("sms", "s1").await.id;
    service.link(link_user(&google, &sms)).await.unwrap();
    [google, sms]
}

/// A34: an unlink leaves an identity that can sign in.
#[tokio::test]
async fn the_last_identity_that_can_sign_in_stays() {
    const LAST: &str = "FailedPrecondition LAST_IDENTITY";
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let request = |provider, subject| unlink(&google, provider, subject);
    assert_eq!(server.db_refused(service.unlink(request("google-oauth2", "g1"))).await, LAST);

    // The wallet is link-only here, and MySpace is disabled.
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&server.proof("wallet", "w1"))).await.unwrap();
    service.create("myspace", "m1").await;
    service.link(link_identity(&google, "myspace", "m1")).await.unwrap();
    let identity = identity_ref("wallet", "w1");
    let set = pb::SetPrimaryIdentityRequest { identity, ..Default::default() };
    person.set_primary_identity(set).await.unwrap();
    assert_eq!(server.db_refused(service.unlink(request("google-oauth2", "g1"))).await, LAST);
    assert_eq!(server.db_refused(person.unlink(unlink("", "google-oauth2", "g1"))).await, LAST);

    // A provider without settings of its own counts.
    person.link(link_with(&server.proof("sms", "s1"))).await.unwrap();
    service.unlink(request("google-oauth2", "g1")).await.unwrap();
    assert_eq!(server.db_refused(service.unlink(request("sms", "s1"))).await, LAST);
    // Identities that cannot sign in may go.
    service.unlink(request("myspace", "m1")).await.unwrap();
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn identities_without_a_sign_in_may_leave_each_other() {
    let server = TestServer::start().await;
    let service = server.service();
    let wallet = service.create("wallet", "w1").await.id;
    service.create("myspace", "m1").await;
    service.link(link_identity(&wallet, "myspace", "m1")).await.unwrap();
    service.unlink(unlink(&wallet, "myspace", "m1")).await.unwrap();
    let refused = server.db_refused(service.unlink(unlink(&wallet, "wallet", "w1"))).await;
    assert_eq!(refused, "FailedPrecondition LAST_IDENTITY", "a user has an identity");
}

/// A34: the primary identity of a user is not unlinked from it.
#[tokio::test]
async fn the_primary_identity_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = linked(&server).await;
    let person = server.person("google-oauth2", "g1");
    for (caller, user_id) in [(&service, google.as_str()), (&person, "")] {
        let refused =
            server.db_refused(caller.unlink(unlink(user_id, "google-oauth2", "g1"))).await;
        assert_eq!(refused, "FailedPrecondition PRIMARY_IDENTITY");
    }
}

#[tokio::test]
async fn an_identity_of_another_user_and_an_unknown_one_get_the_same_refusal() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = linked(&server).await;
    service.create("github", "h1").await;
    server.service_of("other").create("github", "h2").await;
    for (caller, user_id) in
        [(service, google.as_str()), (server.person("google-oauth2", "g1"), "")]
    {
        let mut refusals = Vec::new();
        for subject in ["h1", "h2", "nobody"] {
            let status = caller.unlink(unlink(user_id, "github", subject)).await.unwrap_err();
            refusals.push((status.code(), status.message().to_owned(), status.details().to_vec()));
        }
        refusals.dedup();
        assert_eq!(refusals.len(), 1);
        let refused = server.db_refused(caller.unlink(unlink(user_id, "github", "h1"))).await;
        assert_eq!(refused, "NotFound IDENTITY_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_request_must_name_the_identity_and_the_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms] = linked(&server).await;
    let github = service.create("github", "h1").await.id;
    insta::assert_snapshot!(refusal(service.unlink(pb::UnlinkRequest::default()).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    identity: is required
    ");
    insta::assert_snapshot!(refusal(service.unlink(unlink("", "sms", "s1")).await), @r"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    ");
    let refused = [
        (service.unlink(unlink("usr_nobody", "sms", "s1")), "NotFound USER_NOT_FOUND"),
        (service.unlink(unlink(&sms, "sms", "s1")), "FailedPrecondition USER_ABSORBED"),
    ];
    for (call, expected) in refused {
        assert_eq!(server.db_refused(call).await, expected);
    }
    let person = server.person("google-oauth2", "g1");
    for user_id in [github.as_str(), "usr_nobody"] {
        let refused = server.db_refused(person.unlink(unlink(user_id, "sms", "s1"))).await;
        assert_eq!(refused, "PermissionDenied NOT_YOUR_USER");
    }
    let without =
        server.caller(&Token::of("google-oauth2", "g1").scope("update:current_user_metadata"));
    let refused = server.db_refused(without.unlink(unlink("", "sms", "s1"))).await;
    assert_eq!(refused, "PermissionDenied SCOPE_INSUFFICIENT");
    let outdated = pb::UnlinkRequest { expected_version: Some(1), ..unlink(&google, "sms", "s1") };
    assert_eq!(server.db_refused(service.unlink(outdated)).await, "Aborted VERSION_MISMATCH");
    let current = pb::UnlinkRequest { expected_version: Some(2), ..unlink(&google, "sms", "s1") };
    service.unlink(current).await.unwrap();
}

/// A34: an old session cannot unlink.
#[tokio::test]
async fn a_person_must_have_signed_in_within_ten_minutes() {
    let server = TestServer::start().await;
    linked(&server).await;
    let now = identity_link::clock::now().timestamp();
    let google = || Token::of("google-oauth2", "g1");
    let too_old = [
        google().issued_ago(601),
        google().with("auth_time", now - 601),
        // A new token does not make an old sign-in new.
        google().issued_ago(10).with("auth_time", now - 3600),
    ];
    for token in &too_old {
        let person = server.caller(token);
        assert_eq!(server.db_refused(person.unlink(unlink("", "sms", "s1"))).await, REAUTHENTICATE);
        let preview = pb::UnlinkRequest { validate_only: true, ..unlink("", "sms", "s1") };
        assert_eq!(server.db_refused(person.unlink(preview)).await, REAUTHENTICATE);
    }
    let recent = google().issued_ago(1000).with("auth_time", now - 500);
    server.caller(&recent).unlink(unlink("", "sms", "s1")).await.unwrap();
}

#[tokio::test]
async fn an_old_token_for_an_absorbed_id_does_not_unlink() {
    let server = TestServer::start().await;
    let [google, sms] = linked(&server).await;
    let older = server.caller(&Token::of("users", &sms).issued_ago(60));
    assert_eq!(server.db_refused(older.unlink(unlink("", "sms", "s1"))).await, REAUTHENTICATE);
    let newer = server.caller(&Token::of("users", &sms).issued_ago(-5));
    assert_eq!(newer.unlink(unlink("", "sms", "s1")).await.unwrap().user.unwrap().id, google);
}

#[tokio::test]
async fn a_blocked_user_stays_as_it_is() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = linked(&server).await;
    service.block(&google, true).await;
    let request = unlink(&google, "sms", "s1");
    assert_eq!(
        server.db_refused(service.unlink(request.clone())).await,
        "FailedPrecondition USER_BLOCKED"
    );
    // A token of the phone cannot do it either.
    for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1")] {
        let refused = server
            .db_refused(server.person(provider, subject).unlink(unlink("", "sms", "s1")))
            .await;
        assert_eq!(refused, "PermissionDenied USER_BLOCKED");
    }
    service.block(&google, false).await;
    service.unlink(request).await.unwrap();
}

#[tokio::test]
async fn after_a_person_s_unlink_its_own_token_is_valid_and_no_other_from_before() {
    let server = TestServer::start().await;
    let [google, sms] = linked(&server).await;
    let own = Token::of("google-oauth2", "g1").issued_ago(30);
    let second = own.claims["iat"].as_i64().unwrap();
    // All tokens are issued relative to that second, however long the test takes.
    let issued = |token: Token, at: i64| server.caller(&token.with("iat", at));
    let google_token = |at| issued(Token::of("google-oauth2", "g1"), at);
    let person = server.caller(&own);
    person.unlink(unlink("", "sms", "s1")).await.unwrap();

    // A retry of the call is authenticated, though it is refused for another reason.
    assert_eq!(
        refusal(person.unlink(unlink("", "sms", "s1")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
    assert_eq!(person.user("").await.id, google);
    assert_eq!(google_token(second + 45).user("").await.id, google);

    let withdrawn = [
        google_token(second),
        // Newer than the token of the call.
        google_token(second + 10),
        google_token(second - 1),
        issued(Token::of("users", &google), second - 1),
        server.caller(&Token::of("sms", "s1").issued_ago(5)),
        server.caller(&Token::of("users", &sms).issued_ago(5)),
    ];
    for caller in withdrawn {
        let read = caller.get_user(pb::GetUserRequest::default()).await;
        assert_eq!(refusal(read), "Unauthenticated TOKEN_INVALID");
    }
    assert_eq!(server.person("sms", "s1").user("").await.id, sms);
}

#[tokio::test]
async fn after_a_service_s_unlink_only_new_tokens_are_valid() {
    let server = TestServer::start().await;
    let [google, sms] = linked(&server).await;
    server.service().unlink(unlink(&google, "sms", "s1")).await.unwrap();
    for (provider, subject, id) in [("google-oauth2", "g1", &google), ("sms", "s1", &sms)] {
        for token in [Token::of(provider, subject), Token::of("users", id)] {
            let older = server.caller(&token.clone().issued_ago(5));
            assert_eq!(
                refusal(older.get_user(pb::GetUserRequest::default()).await),
                "Unauthenticated TOKEN_INVALID"
            );
            assert_eq!(server.caller(&token).user("").await.id, *id);
        }
    }
}

#[tokio::test]
async fn older_tokens_of_an_identity_that_became_a_user_of_its_own_are_withdrawn() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("github", "h1")))
        .await
        .unwrap();
    let detached =
        service.unlink(unlink(&google, "github", "h1")).await.unwrap().detached_user.unwrap().id;

    let older = server.caller(&Token::of("github", "h1").issued_ago(5));
    assert_eq!(
        refusal(older.get_user(pb::GetUserRequest::default()).await),
        "Unauthenticated TOKEN_INVALID"
    );
    assert_eq!(server.person("github", "h1").user("").await.id, detached);
}

#[tokio::test]
async fn an_unlink_by_an_older_token_does_not_revoke_a_withdrawal() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, _] = linked(&server).await;
    let person = |ago| server.caller(&Token::of("google-oauth2", "g1").issued_ago(ago));
    for subject in ["h1", "h2"] {
        person(0).link(link_with(&server.proof("github", subject))).await.unwrap();
    }
    let first = person(20);
    first.unlink(unlink("", "github", "h1")).await.unwrap();
    for ago in [30, 20, 10] {
        assert_eq!(
            refusal(person(ago).unlink(unlink("", "github", "h2")).await),
            "Unauthenticated TOKEN_INVALID"
        );
    }
    // The next unlink withdraws the token of the first one.
    person(-2).unlink(unlink("", "github", "h2")).await.unwrap();
    assert_eq!(
        refusal(first.unlink(unlink("", "sms", "s1")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    assert_eq!(identities(&service.user(&google).await), ["google-oauth2|g1", "sms|s1"]);
}
