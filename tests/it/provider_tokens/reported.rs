//! What a provider reports of an account, and the tokens that are kept of it.

use super::*;
use crate::provider_events::{event_token, report};

const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type";
const ALL_REVOKED: &str = "https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked";

/// The fake, which reports events, and a server that keeps its tokens.
async fn reporting_fake_and_server() -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(alice()).await;
    let database = cluster().db_migrated().await;
    let client = oidc("fake", &fake.issuer) + "events = \"rpc\"\n";
    let toml = kept_of("fake", &client, "offline = true\n", &first_key(&keys(&database)));
    let server = TestServer::start_with(database, |own| own + &toml).await;
    (fake, server)
}

/// P57: tokens that the provider says are worth nothing are not kept, and not sent to be revoked.
#[tokio::test]
async fn tokens_are_dropped_when_the_provider_says_that_they_are_revoked() {
    for event in [format!("{RISC}/account-purged"), ALL_REVOKED.to_owned()] {
        let (fake, server) = reporting_fake_and_server().await;
        let service = server.service();
        let user = signed_in(&service).await;

        // An event from before the tokens, and others, leave them.
        let others = [
            event_token(&fake, "alice", &[&event]).issued_ago(60),
            event_token(&fake, "alice", &[&format!("{RISC}/account-disabled")]),
            event_token(&fake, "bob", &[&event]),
        ];
        for other in others {
            report(&server, &other.sign()).await.unwrap();
            assert_eq!(token(&service, &user).await.unwrap(), FIRST);
        }

        report(&server, &event_token(&fake, "alice", &[&event]).sign()).await.unwrap();

        assert_eq!(refusal(token(&service, &user).await), GONE, "{event}");
        assert_eq!(db_kept(&server.database).await, [""; 0]);
        let waiting = "SELECT provider FROM provider_token_revocations";
        assert_eq!(server.database.db_texts(waiting).await, [""; 0]);

        // The person grants them anew.
        assert_eq!(signed_in(&service).await, user);
        assert_eq!(token(&service, &user).await.unwrap(), FIRST);
    }
}

/// P57: a refresh that is under way brings none back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_refresh_brings_after_the_event_is_revoked() {
    let (fake, server) = reporting_fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    let release = fake.web.hold("/token");
    let caller = server.service();
    let waiting = tokio::spawn(async move { token(&caller, &user).await });
    fake.web.until_asked_for("/token", 2).await;

    report(&server, &event_token(&fake, "alice", &[ALL_REVOKED]).sign()).await.unwrap();
    release.notify_one();

    assert_eq!(refusal(waiting.await.unwrap()), GONE);
    fake.web.until_asked_for("/revoke", 1).await;
    assert_eq!(fake.good_grants(), 0);
    assert_eq!(db_kept(&server.database).await, [""; 0]);
}
