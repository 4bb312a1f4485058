//! A89: callers that write to one busy user take nothing from the callers of other users.

use identity_link::grpc::proto as pb;
use serde_json::json as value;
use tokio::task::JoinHandle;

use crate::support::{cluster::cluster, tokens::Token, *};

/// More than the connections, and more than the connections and the longest wait for one would let
/// through.
const WRITERS: usize = 30;

/// Starts one of six writes to a user, by a service or by the person. Returns its outcome: `OK` or
/// the refusal.
fn write(server: &TestServer, user: &str, n: usize) -> JoinHandle<String> {
    let (service, person) = (server.service(), server.person("google-oauth2", "busy"));
    let user = user.to_owned();
    let request_id =
        if n.is_multiple_of(2) { uuid::Uuid::new_v4().to_string() } else { String::new() };
    tokio::spawn(async move {
        let outcome = match n % 6 {
            0 => service
                .update_user(pb::UpdateUserRequest { request_id, ..block(&user, false) })
                .await
                .map(drop),
            1 => person.link(link_with(&Token::of("sms", &format!("s{n}")).sign())).await.map(drop),
            2 => service
                .unlink(pb::UnlinkRequest { request_id, ..unlink(&user, "github", "busy") })
                .await
                .map(drop),
            3 => {
                let profile_data = object(value!({ "n": n }));
                let account = pb::ProvenAccount {
                    identity_ref: identity_ref("google-oauth2", "busy"),
                    profile_data,
                    ..Default::default()
                };
                service.resolve_sign_in(sign_in_with(account)).await.map(drop)
            }
            4 => service
                .link(pb::LinkRequest { request_id, ..link_identity(&user, "github", "other") })
                .await
                .map(drop),
            _ => {
                let identity = identity_ref("github", "busy");
                person
                    .set_primary_identity(pb::SetPrimaryIdentityRequest {
                        identity,
                        ..Default::default()
                    })
                    .await
                    .map(drop)
            }
        };
        outcome.map_or_else(|refused| refusal::<()>(Err(refused)), |()| "OK".to_owned())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_wait_for_one_user_hold_at_most_one_connection() {
    let server = TestServer::start().await;
    let service = server.service();
    let busy = service.create("google-oauth2", "busy").await.id;
    let second = service.create("github", "busy").await.id;
    service.link(link_user(&busy, &second)).await.unwrap();
    service.create("github", "other").await;
    let ann = service.create("google-oauth2", "ann").await.id;
    let held = server.database.db_hold(&busy).await;
    let writers: Vec<_> = (0..WRITERS).map(|n| write(&server, &busy, n)).collect();
    server.database.db_until_waiting(1).await;

    let (mut calls, ann_herself) = (0, server.person("google-oauth2", "ann"));
    while !writers.iter().all(JoinHandle::is_finished) {
        service.update_user(block(&ann, false)).await.unwrap();
        ann_herself.get_user(get("")).await.unwrap();
        signs_in_anew(&service, calls).await;
        // Only the first of the writers to one user waits in the database. The user that a link
        // would absorb adds no second waiting connection.
        assert!(
            server.database.db_waiting().await <= 1,
            "a writer in the queue should wait without a connection"
        );
        calls += 1;
    }

    let mut outcomes = Vec::new();
    for writer in writers {
        outcomes.push(writer.await.unwrap());
    }
    assert_eq!(count(&outcomes, "Aborted CONFLICT_RETRY"), WRITERS, "{outcomes:?}");
    assert!(calls > WRITERS, "the writers should have waited longer than that");
    held.db_release().await;
    service.update_user(block(&busy, true)).await.unwrap();
    server.database.db_assert_invariants().await;
}

/// A89: more writers to one user than calls at once. Each waits without a slot, so no other caller is
/// refused, and each of them is still carried out or asked to repeat.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_user_leave_the_capacity_to_others() {
    let few_slots = |toml: String| format!("max_concurrent_calls = 8\n{toml}");
    let server = TestServer::start_with(cluster().db_migrated().await, few_slots).await;
    let service = server.service();
    let busy = service.create("google-oauth2", "busy").await.id;
    let second = service.create("github", "busy").await.id;
    service.link(link_user(&busy, &second)).await.unwrap();
    service.create("github", "other").await;
    let ann = service.create("google-oauth2", "ann").await.id;
    let held = server.database.db_hold(&busy).await;
    let mut writers: Vec<_> = (0..8).map(|n| write(&server, &busy, n)).collect();
    server.database.db_until_waiting(1).await;
    for round in 1..15 {
        writers.extend((0..8).map(|n| write(&server, &busy, round * 8 + n)));
        // Until they have given their slots to others, however long eight look-ups take.
        while service.get_user(get(&ann)).await.is_err() {}
    }
    assert_eq!(writers.len(), 120);

    let mut calls = 0;
    let ann_herself = server.person("google-oauth2", "ann");
    while !writers.iter().all(JoinHandle::is_finished) {
        let (blocked, read, found, ()) = tokio::join!(
            service.update_user(block(&ann, false)),
            ann_herself.get_user(get("")),
            service.find_by_email(by_email("a@b.c")),
            signs_in_anew(&service, calls),
        );
        blocked.unwrap();
        read.unwrap();
        found.unwrap();
        calls += 1;
    }

    let mut outcomes = Vec::new();
    for writer in writers {
        outcomes.push(writer.await.unwrap());
    }
    assert!(calls > 10, "the writers should have waited longer than that");
    let refused = outcomes.iter().filter(|outcome| !outcome.contains("CONFLICT_RETRY"));
    // The writers themselves come faster than eight slots can take them in, so some are refused.
    assert!(refused.clone().all(|outcome| outcome.contains("OVERLOADED")), "{outcomes:?}");
    held.db_release().await;
    service.update_user(block(&busy, true)).await.unwrap();
    server.database.db_assert_invariants().await;
}

/// F13: the writers wait for each other, in one process or in two, and each write is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_user_are_all_carried_out_when_it_is_their_turn() {
    let server = TestServer::start().await;
    let elsewhere = server.another().await;
    let user = server.service().create("google-oauth2", "busy").await.id;
    let held = server.database.db_hold(&user).await;
    let merge = |n: usize| {
        let service = if n.is_multiple_of(3) { elsewhere.service() } else { server.service() };
        let given = pb::GivenMetadata {
            user_metadata: object(value!({ format!("key{n}"): n })),
            app_metadata: None,
        };
        let request = pb::MergeMetadataRequest {
            user_id: user.clone(),
            source: Some(pb::merge_metadata_request::Source::Given(given)),
            user_metadata: merge_default(),
            ..Default::default()
        };
        tokio::spawn(async move { service.merge_metadata(request).await })
    };
    let writers: Vec<_> = (0..WRITERS).map(merge).collect();
    // The first writer of each process.
    server.database.db_until_waiting(2).await;
    held.db_release().await;

    for writer in writers {
        writer.await.unwrap().unwrap();
    }

    let merged = server.service().user(&user).await;
    assert_eq!(json(&merged.user_metadata).as_object().unwrap().len(), WRITERS);
    assert_eq!(merged.version, 1 + i64::try_from(WRITERS).unwrap());
    server.database.db_assert_invariants().await;
}

/// Signs in with an account that the server has never seen.
async fn signs_in_anew(service: &Caller, n: usize) {
    service.resolve_sign_in(sign_in("okta", &format!("new{n}"))).await.unwrap();
}
