//! A deletion erases every trace of a user with a long history, and nothing of other users.

use data_encoding::HEXLOWER;
use identity_link::grpc::proto::{self as pb, UnlinkMetadata, metadata_merge as mm};
use serde_json::json as value;

use super::*;
use crate::support::tokens::Token;

/// Part of all data of Caro, and of no data of other users. It is not in a key of her metadata: the
/// history of users that received her metadata keeps the paths.
const CARO: &str = "caro";

async fn caro(server: &TestServer) -> String {
    let fill = |request: &mut pb::CreateUserRequest| {
        verified("Caro@example.com")(request);
        request.identity.as_mut().unwrap().profile_data = object(value!({"name": "caro-name"}));
        request.user_metadata = object(value!({"lang": "caro-value", "theme": "caro-theme"}));
        request.app_metadata = object(value!({"plan": "caro-plan"}));
        request.profile_overrides = object(value!({"name": "caro-override"}));
    };
    server.service().create_with("sms", "caro-sms", fill).await.id
}

/// Links two users as a service, so that the secondary user's metadata is merged into the
/// primary's, and wins.
async fn merge_into(service: &Caller, primary: &str, secondary: &str) -> String {
    let all = merge(mm::Conflict::SecondaryWins, mm::Arrays::Concatenate);
    let request =
        pb::LinkRequest { user_metadata: all, app_metadata: all, ..link_user(primary, secondary) };
    service.link(request).await.unwrap().link.unwrap().id
}

fn detach(
    user_id: &str,
    provider: &str,
    subject: &str,
    metadata: UnlinkMetadata,
) -> pb::UnlinkRequest {
    pb::UnlinkRequest { metadata: metadata.into(), ..unlink(user_id, provider, subject) }
}

async fn rename(service: &Caller, user_id: &str, request_id: &str) {
    let user_metadata = object(value!({"lang": "caro-value"}));
    let update =
        update(user_id, &["user_metadata"], pb::UserUpdate { user_metadata, ..Default::default() });
    service
        .update_user(pb::UpdateUserRequest { request_id: request_id.to_owned(), ..update })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deletion_erases_every_trace_of_a_user_with_a_long_history() {
    let server = TestServer::start().await;
    let service = server.service();
    let new_id = || uuid::Uuid::new_v4().to_string();
    let caro = caro(&server).await;
    let ann = service.create_with("google-oauth2", "ann", verified("ann@example.com")).await.id;
    let ben = service.create("github", "ben").await.id;

    // Absorbed by Ben, and with Ben by Ann on a proof of Caro's; then unlinked, with the merges of
    // both taken back.
    merge_into(&service, &ben, &caro).await;
    let proof = server.proof("sms", "caro-sms");
    let passed_on = pb::LinkRequest {
        request_id: new_id(),
        user_metadata: merge_default(),
        ..link_with(&proof)
    };
    let outer =
        server.person("google-oauth2", "ann").link(passed_on).await.unwrap().link.unwrap().id;
    service.unlink(detach(&ann, "sms", "caro-sms", UnlinkMetadata::Restore)).await.unwrap();
    // Absorbed on a proof by a token of her user id, from after another user absorbed her.
    let gus = service.create("okta", "gus").await.id;
    merge_into(&service, &gus, &caro).await;
    let by_id = link_with(&Token::of("users", &caro).issued_ago(-5).sign());
    let by_id = server.person("google-oauth2", "ann").link(by_id).await.unwrap().link.unwrap().id;
    service.unlink(detach(&ann, "sms", "caro-sms", UnlinkMetadata::Restore)).await.unwrap();
    // She is unlinked already, and this link still names her.
    service.undo_link(pb::UndoLinkRequest { request_id: new_id(), ..undo(&by_id) }).await.unwrap();
    // Unlinked with her metadata discarded.
    let fay = service.create("okta", "fay").await.id;
    link(&service, &fay, &caro).await;
    service.unlink(detach(&fay, "sms", "caro-sms", UnlinkMetadata::Discard)).await.unwrap();
    rename(&service, &caro, &new_id()).await;
    // As the user that absorbs: other users, which she and a service unlink again, and identities.
    let [eve, flo] =
        [service.create("github", "eve").await.id, service.create("github", "flo").await.id];
    let eves = link(&service, &flo, &eve).await;
    merge_into(&service, &caro, &flo).await;
    server.person("sms", "caro-sms").undo_link(undo(&eves)).await.unwrap();
    service.unlink(unlink(&caro, "github", "flo")).await.unwrap();
    let person = server.person("sms", "caro-sms");
    person.link(link_with(&server.proof("okta", "caro-okta"))).await.unwrap();
    person.link(link_with(&server.proof("okta", "left"))).await.unwrap();
    let left =
        service.unlink(unlink(&caro, "okta", "left")).await.unwrap().detached_user.unwrap().id;

    let hashes = format!(
        "SELECT encode(proof_hash, 'hex') FROM links WHERE proof->>'subject' LIKE '%{CARO}%' \
        OR proof->>'subject' = '{caro}'"
    );
    let hashes = server.database.db_texts(&hashes).await;
    assert_eq!(hashes.len(), 3);
    // Stored responses are encoded, and the dump shows bytes as hexadecimal digits.
    let texts = ["caro-", "Caro@", &caro].map(str::to_owned);
    let encoded = texts.clone().map(|text| HEXLOWER.encode(text.as_bytes()));
    let traces: Vec<String> = texts.into_iter().chain(encoded).chain(hashes).collect();
    let dump = server.database.db_dump().await;
    for trace in &traces {
        assert!(dump.contains(trace.as_str()), "this test needs a trace of {trace}");
    }

    service.delete(&caro).await;

    let dump = server.database.db_dump().await;
    for trace in &traces {
        let left: Vec<&str> = dump.lines().filter(|line| line.contains(trace.as_str())).collect();
        assert!(left.is_empty(), "{trace} is left: {left:#?}");
    }
    server.database.db_assert_invariants().await;

    // The links of other users still stand.
    assert_eq!(service.undo_link(undo(&outer)).await.unwrap().restored_user.unwrap().id, ben);
    for id in [&ann, &ben, &gus, &fay, &eve, &flo, &left] {
        assert_eq!(&service.user(id).await.id, id);
    }
    assert_eq!(told_links(&service, &eve).await[0].id, eves);
}

#[tokio::test]
async fn a_deletion_erases_only_the_deleted_users_proofs() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    // One subject at two providers is two accounts.
    service.create("github", "7").await;
    let other = service.create("sms", "7").await.id;
    let proof = server.proof("github", "7");
    let person = server.person("google-oauth2", "ann");
    let first = person.link(link_with(&proof)).await.unwrap().link.unwrap().id;

    service.delete(&other).await;

    service.undo_link(undo(&first)).await.unwrap();
    let again = server.person("google-oauth2", "ann").link(link_with(&proof)).await;
    assert_eq!(refusal(again), "FailedPrecondition LINK_TOKEN_INVALID");
    let told = told_links(&service, &ann).await;
    assert_eq!(identity_texts(&told[0].moved_identities), ["github|7"]);
}

#[tokio::test]
async fn a_link_between_two_deleted_users_is_deleted() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let ben = service.create("github", "ben").await.id;
    for (primary, secondary) in [(&ann, &ben), (&ben, &ann)] {
        service.undo_link(undo(&link(&service, primary, secondary).await)).await.unwrap();
    }

    service.delete(&ann).await;
    assert_eq!(server.database.db_texts("SELECT id::text FROM links").await.len(), 2);
    service.delete(&ben).await;

    assert_eq!(server.database.db_texts("SELECT id::text FROM links").await, [""; 0]);
}

#[tokio::test]
async fn an_undone_link_keeps_no_values_of_its_merge() {
    let server = TestServer::start().await;
    let service = server.service();
    let [ann, ben] = [service.create("google-oauth2", "ann").await.id, caro(&server).await];
    for by_undo in [true, false] {
        let id = merge_into(&service, &ann, &ben).await;
        let kept = format!("SELECT changes::text FROM links WHERE id = '{id}'");
        assert!(server.database.db_texts(&kept).await[0].contains("caro-value"));

        match by_undo {
            true => drop(service.undo_link(undo(&id)).await.unwrap()),
            false => drop(service.unlink(unlink(&ann, "sms", "caro-sms")).await.unwrap()),
        }

        assert_eq!(server.database.db_texts(&kept).await, ["{}"]);
        let told = told_links(&service, &ann).await.into_iter().find(|link| link.id == id).unwrap();
        assert!(changes(&told.metadata_changes).contains("USER /lang ADDED"), "{told:?}");
    }
}

fn identity_texts(refs: &[pb::IdentityRef]) -> Vec<String> {
    refs.iter().map(|id| format!("{}|{}", id.provider, id.subject)).collect()
}

/// A84: a deletion also erases which users released an account. Proofs from before the release
/// still prove nothing.
#[tokio::test]
async fn a_deletion_erases_which_users_released_an_account() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let phone = service.create("sms", "s").await.id;
    let ben = service.create("okta", "ben").await.id;
    let before = server.proof("sms", "s");
    link(&service, &ann, &phone).await;
    let request = pb::UnlinkRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ..release(&ann, "sms", "s")
    };
    service.unlink(request).await.unwrap();
    server.person("okta", "ben").link(link_with(&server.later_proof("sms", "s"))).await.unwrap();
    service.unlink(release(&ben, "sms", "s")).await.unwrap();
    let remembered =
        "SELECT array_to_string(released_by, ' ') FROM tombstones WHERE released_by IS NOT NULL";
    let all = server.database.db_texts(remembered).await.concat();
    assert!([&ann, &phone, &ben].into_iter().all(|id| all.contains(id.as_str())), "{all}");

    service.delete(&ann).await;

    let dump = server.database.db_dump().await;
    for trace in [&ann, &phone] {
        let left: Vec<&str> = dump.lines().filter(|line| line.contains(trace.as_str())).collect();
        assert!(left.is_empty(), "{trace} is left: {left:#?}");
    }
    assert_eq!(server.database.db_texts(remembered).await, std::slice::from_ref(&ben));
    server.database.db_assert_invariants().await;

    service.delete(&ben).await;
    assert_eq!(server.database.db_texts(remembered).await, [""; 0]);
    let thief = service.create("github", "thief").await.id;
    let linked = pb::LinkRequest { user_id: thief, ..link_with(&before) };
    assert_eq!(
        server.db_refused(service.link(linked)).await,
        "FailedPrecondition LINK_TOKEN_INVALID"
    );
}
