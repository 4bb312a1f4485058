//! A user keeps its last identity that can sign in, by today's configuration.

use super::*;

/// A server on this database with these settings of the provider `sms`, or without the provider.
async fn closing(database: &Database, how: &str) -> TestServer {
    match how {
        "not declared" => {
            let change = |toml: String| without_provider(&toml, "sms") + AUTH0;
            TestServer::start_with(database.clone(), change).await
        }
        how => deciding(database, how).await,
    }
}

/// A73: an account at a provider that is closed to sign-ins today cannot be the only one left, and
/// may itself be unlinked.
#[tokio::test]
async fn the_last_identity_that_can_sign_in_today_stays() {
    const LAST: &str = "FailedPrecondition LAST_IDENTITY";
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let sms = service.create("sms", "s1").await.id;
    let google = service.create("google-oauth2", "g1").await.id;
    let into_sms = service.link(link_user(&sms, &google)).await.unwrap().link.unwrap().id;
    let github = service.create("github", "h1").await.id;
    let other_sms = service.create("sms", "s2").await.id;
    let into_github = service.link(link_user(&github, &other_sms)).await.unwrap().link.unwrap().id;
    let preview = |user: &str, provider, subject| pb::UnlinkRequest {
        validate_only: true,
        ..unlink(user, provider, subject)
    };
    let undo = |link: &str| pb::UndoLinkRequest {
        link_id: link.to_owned(),
        validate_only: true,
        ..Default::default()
    };
    let path = format!("/api/v2/users/{sms}/identities/google-oauth2/g1");

    for closed in ["enabled = false", "mode = \"link_only\"", "not declared"] {
        let closing = closing(&server.database, closed).await;
        let by = closing.service();
        assert_eq!(
            closing.db_refused(by.unlink(preview(&sms, "google-oauth2", "g1"))).await,
            LAST,
            "{closed}"
        );
        let refused = closing.db_refused(by.undo_link(undo(&into_sms))).await;
        assert_eq!(refused, "FailedPrecondition LINK_NOT_UNDOABLE", "{closed}");
        let said = closing.backend().delete(&path).await;
        assert_eq!(
            said.refused(),
            "400 operation_not_supported Main identity cannot be removed.",
            "{closed}"
        );
        by.unlink(preview(&github, "sms", "s2")).await.unwrap();
        by.undo_link(undo(&into_github)).await.unwrap();
        // After the provider is open again, its account can sign in.
        service.unlink(preview(&sms, "google-oauth2", "g1")).await.unwrap();
        service.undo_link(undo(&into_sms)).await.unwrap();
    }
    assert_eq!(server.backend().delete(&path).await.status, 200);
}
