//! What becomes of tokens when their identity moves, leaves or ends.

use super::*;
use crate::support::web_server::Answer;

#[tokio::test]
async fn tokens_follow_their_identity_through_a_link_an_unlink_and_an_undo() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let alice = signed_in(&service).await;
    let ann = service.create("github", "ann").await.id;

    service.link(link_user(&ann, &alice)).await.unwrap();
    assert_eq!(token(&service, &ann).await.unwrap(), FIRST);
    service.unlink(unlink(&ann, "fake", "alice")).await.unwrap();
    assert_eq!(token(&service, &alice).await.unwrap(), FIRST);
    assert_eq!(refusal(token(&service, &ann).await), "NotFound IDENTITY_NOT_FOUND");

    let linked = service.link(link_user(&ann, &alice)).await.unwrap();
    assert_eq!(token(&service, &ann).await.unwrap(), FIRST);
    let link_id = linked.link.unwrap().id;
    service.undo_link(pb::UndoLinkRequest { link_id, ..Default::default() }).await.unwrap();
    assert_eq!(token(&service, &alice).await.unwrap(), FIRST);
    assert_eq!(fake.revoked(), [""; 0]);
    server.database.db_assert_invariants().await;
}

/// P56: an account that a person gave up does not stay open to this service.
#[tokio::test]
async fn a_release_and_a_deletion_revoke_the_tokens_at_the_provider() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let ann = service.create("github", "ann").await.id;
    let person = Token::of("github", "ann").sign();
    linked(&service, &person, &[]).await;
    assert_eq!(fake.good_grants(), 1);

    service.unlink(release(&ann, "fake", "alice")).await.unwrap();
    assert_eq!(db_kept(&server.database).await, [""; 0]);
    fake.web.until_asked_for("/revoke", 1).await;

    let alice = signed_in(&service).await;
    service.delete(&alice).await;
    assert_eq!(db_kept(&server.database).await, [""; 0]);
    fake.web.until_asked_for("/revoke", 2).await;
    assert_eq!(fake.good_grants(), 0);
    let asked = fake.web.asked_for("/revoke");
    assert!(asked.iter().all(|asked| asked.form["token_type_hint"] == "refresh_token"));
    db_until_revoked(&server.database).await;
}

/// P56: a provider that is down, or a server that ends, forgets no revocation; and what waits does
/// not name the person.
#[tokio::test]
async fn a_revocation_that_failed_is_tried_again_by_another_server() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.web.answer("/revoke", Answer::status("503 Service Unavailable"));
    let alice = signed_in(&service).await;
    service.delete(&alice).await;
    fake.web.until_asked_for("/revoke", 1).await;
    server.shutdown.cancel();

    let waiting = "SELECT t::text FROM provider_token_revocations t";
    let waiting = server.database.db_texts(waiting).await.concat();
    assert!(!waiting.is_empty() && !waiting.contains("alice"), "{waiting}");
    fake.web.answer_as_ever("/revoke");
    let due = "UPDATE provider_token_revocations SET next_time = now()";
    server.database.db_execute(due).await;
    let _another = server_of(&fake, &server.database).await;
    fake.web.until_asked_for("/revoke", 2).await;
    db_until_revoked(&server.database).await;
    assert_eq!(fake.good_grants(), 0);
}

/// A provider without a URL for it, and one that refuses for days: neither is asked for ever.
#[tokio::test]
async fn revocations_end_also_where_the_provider_never_revokes() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.web.answer("/revoke", Answer::status("400 Bad Request"));
    let alice = signed_in(&service).await;
    service.delete(&alice).await;
    fake.web.until_asked_for("/revoke", 1).await;
    let last = "UPDATE provider_token_revocations SET tries = 11, next_time = now()";
    server.database.db_execute(last).await;
    db_until_revoked(&server.database).await;
    assert_eq!(fake.revoked().len(), 2);

    fake.metadata_with(&serde_json::json!({"revocation_endpoint": null}));
    server.shutdown.cancel();
    let another = server_of(&fake, &server.database).await;
    let alice = signed_in(&another.service()).await;
    another.service().delete(&alice).await;
    db_until_revoked(&server.database).await;
}

/// Returns once no revocation waits, with a bound that turns a test that would hang into one that
/// fails.
async fn db_until_revoked(database: &Database) {
    let waiting = "SELECT id::text FROM provider_token_revocations";
    database.db_until_none(waiting).await;
}
