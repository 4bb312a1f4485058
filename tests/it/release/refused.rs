//! A83: what may not be released, and which callers may not release.

use super::*;
use crate::support::cluster::cluster;

const SIGN_IN: &str = "PermissionDenied REAUTHENTICATION_REQUIRED";

#[tokio::test]
async fn a_user_keeps_its_primary_and_its_last_identity() {
    let server = TestServer::start().await;
    let service = server.service();
    let alone = service.create("github", "h").await.id;
    let last = "FailedPrecondition LAST_IDENTITY";
    assert_eq!(server.db_refused(service.unlink(release(&alone, "github", "h"))).await, last);
    server.person("github", "h").link(link_with(&server.proof("wallet", "w"))).await.unwrap();
    assert_eq!(
        server.db_refused(server.person("github", "h").unlink(release("", "github", "h"))).await,
        last
    );
    let Ann { id, .. } = ann(&server).await;
    for (caller, user_id) in [(service, id.as_str()), (server.person("google-oauth2", "ann"), "")] {
        let primary = caller.unlink(release(user_id, "google-oauth2", "ann"));
        assert_eq!(server.db_refused(primary).await, "FailedPrecondition PRIMARY_IDENTITY");
        let absent = caller.unlink(release(user_id, "github", "h"));
        assert_eq!(
            server.db_refused(absent).await,
            "NotFound IDENTITY_NOT_FOUND",
            "it is another user's"
        );
    }
}

#[tokio::test]
async fn only_a_service_or_the_user_after_a_fresh_sign_in_may_release() {
    let server = TestServer::start().await;
    let service = server.service();
    let Ann { id, phone, .. } = ann(&server).await;
    let other = service.create("okta", "o").await.id;
    let refusals = [
        (Token::of("google-oauth2", "ann").issued_ago(700), "", SIGN_IN),
        (
            Token::of("google-oauth2", "ann").scope("read:current_user"),
            "",
            "PermissionDenied SCOPE_INSUFFICIENT",
        ),
        (
            Token::of("services", "x").scope("read:users"),
            id.as_str(),
            "PermissionDenied SCOPE_INSUFFICIENT",
        ),
        (Token::of("okta", "o"), id.as_str(), "PermissionDenied NOT_YOUR_USER"),
        (Token::of("okta", "o"), "", "NotFound IDENTITY_NOT_FOUND"),
        (Token::of("services", "backend"), &other, "NotFound IDENTITY_NOT_FOUND"),
        (Token::of("services", "backend"), &phone, "FailedPrecondition USER_ABSORBED"),
        (Token::of("services", "backend"), "usr_nobody", NO_USER),
        // From before the account came to Ann.
        (Token::of("sms", "s").issued_ago(3700), "", SIGN_IN),
    ];
    for (token, user_id, expected) in refusals {
        let call = server.caller(&token);
        assert_eq!(
            server.db_refused(call.unlink(release(user_id, "sms", "s"))).await,
            expected,
            "{token:?}"
        );
    }
    let outdated = pb::UnlinkRequest { expected_version: Some(1), ..release(&id, "sms", "s") };
    assert_eq!(server.db_refused(service.unlink(outdated)).await, "Aborted VERSION_MISMATCH");
    service.block(&id, true).await;
    let blocked = server.db_refused(service.unlink(release(&id, "sms", "s"))).await;
    assert_eq!(blocked, "FailedPrecondition USER_BLOCKED");
}

/// An account that an old session attached releases no account that was attached before it.
#[tokio::test]
async fn an_account_of_an_old_session_releases_nothing_older() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        let tenant = "[tenants.default]\nmax_sign_in_age = \"10h\"\n[tenants.default.providers]";
        toml.replacen("[tenants.default.providers]", tenant, 1)
    })
    .await;
    let Ann { id, .. } = ann(&server).await;
    let old = Token::of("google-oauth2", "ann").with("auth_time", clock::now().timestamp() - 3600);
    server.caller(&old).link(link_with(&server.proof("github", "thief"))).await.unwrap();

    let thief = server.caller(&Token::of("github", "thief").issued_ago(-2));

    assert_eq!(server.db_refused(thief.unlink(release("", "sms", "s"))).await, SIGN_IN);
    assert_eq!(server.service().owner("sms", "s").await, id);
}

#[tokio::test]
async fn a_release_with_a_choice_of_metadata_is_refused() {
    let server = TestServer::start().await;
    let Ann { id, .. } = ann(&server).await;
    let of =
        |metadata: i32, mode: i32| pb::UnlinkRequest { metadata, mode, ..unlink(&id, "sms", "s") };
    let both = server.db_refused(server.service().unlink(of(2, 2))).await;
    insta::assert_snapshot!(both, @r"
    InvalidArgument REQUEST_INVALID
    metadata: must be unset where mode is UNLINK_MODE_RELEASE: no user comes back
    ");
    let unknown = server.db_refused(server.service().unlink(of(0, 3))).await;
    insta::assert_snapshot!(unknown, @r"
    InvalidArgument REQUEST_INVALID
    mode: is not one of the values that the proto names
    ");
    // Both values name the default.
    assert!(server.service().unlink(of(1, 1)).await.unwrap().restored);
}
