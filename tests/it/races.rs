//! Callers that race.

use identity_link::grpc::proto as pb;
use serde_json::json as object;

use crate::support::{racing::Racer, tokens::Token, *};

/// How often two or three callers meet in one test, each time as other people.
const ROUNDS: usize = 25;

fn link(caller: &Caller, request: pb::LinkRequest) -> Racer {
    let caller = caller.clone();
    racer_as(async move { caller.link(request).await }, |answer| {
        answer.outcome().as_str_name().trim_start_matches("OUTCOME_").to_owned()
    })
}

fn detach(caller: &Caller, request: pb::UnlinkRequest) -> Racer {
    let caller = caller.clone();
    racer(async move { caller.unlink(request).await })
}

fn delete(caller: &Caller, user_id: &str) -> Racer {
    let (caller, user_id) = (caller.clone(), user_id.to_owned());
    racer(async move { caller.delete_user(pb::DeleteUserRequest { user_id, ..Default::default() }).await })
}

/// Creates a user with this identity; its id.
async fn created(service: &Caller, provider: &str, subject: &str) -> String {
    service.create(provider, subject).await.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_identity_is_linked_to_one_of_two_users() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (a, b) = (
            created(&service, "google-oauth2", &format!("a{round}")).await,
            created(&service, "github", &format!("b{round}")).await,
        );
        let s = format!("s{round}");
        let id = created(&service, "sms", &s).await;

        // On its token it goes to one of them; the other's proof is used up or outdated.
        let token = server.proof("sms", &s);
        let outcomes = at_once(vec![
            link(&server.person("google-oauth2", &format!("a{round}")), link_with(&token)),
            link(&server.person("github", &format!("b{round}")), link_with(&token)),
        ])
        .await;

        assert_eq!(count(&outcomes, "ABSORBED"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "FailedPrecondition LINK_TOKEN_INVALID"), 1, "{outcomes:?}");
        let winner = if outcomes[0] == "ABSORBED" { &a } else { &b };
        assert_eq!(service.resolved(&[&id]).await, [format!("ABSORBED {winner}")]);
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_absorbed_by_one_of_two_others() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let a = created(&service, "google-oauth2", &format!("a{round}")).await;
        let b = created(&service, "github", &format!("b{round}")).await;
        let s = created(&service, "sms", &format!("s{round}")).await;

        let outcomes = at_once(vec![link(&service, link_user(&a, &s)), link(&service, link_user(&b, &s))]).await;

        assert_eq!(count(&outcomes, "ABSORBED"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "FailedPrecondition USER_ABSORBED"), 1, "{outcomes:?}");
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_users_that_absorb_each_other_become_one() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, h) = (format!("g{round}"), format!("h{round}"));
        let (a, b) = (created(&service, "google-oauth2", &g).await, created(&service, "github", &h).await);
        let by_service = round % 2 == 0;

        let outcomes = at_once(if by_service {
            vec![link(&service, link_user(&a, &b)), link(&service, link_user(&b, &a))]
        } else {
            vec![
                link(&server.person("google-oauth2", &g), link_with(&server.proof("github", &h))),
                link(&server.person("github", &h), link_with(&server.proof("google-oauth2", &g))),
            ]
        })
        .await;

        // Persons are told that they are one already, whoever was first.
        let second = if by_service { "FailedPrecondition USER_ABSORBED" } else { "ALREADY_LINKED" };
        assert_eq!((count(&outcomes, "ABSORBED"), count(&outcomes, second)), (1, 1), "{outcomes:?}");
        let root = if outcomes[0] == "ABSORBED" { &a } else { &b };
        let holders = service.resolved(&[&a, &b]).await;
        assert_eq!(count(&holders, &format!("CURRENT {root}")), 1, "{holders:?}");
        assert_eq!(count(&holders, &format!("ABSORBED {root}")), 1, "{holders:?}");
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_of_links_leaves_one_root_in_each_piece() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..5 {
        let mut ids = Vec::new();
        for n in 0..6 {
            ids.push(created(&service, "github", &format!("{round}-{n}")).await);
        }
        let ring = (0..6).map(|n| link(&service, link_user(&ids[n], &ids[(n + 1) % 6]))).collect();

        let outcomes = at_once(ring).await;

        let roots = service.resolved(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let live = roots.iter().filter(|state| state.starts_with("CURRENT")).count();
        assert_eq!(live, 6 - count(&outcomes, "ABSORBED"), "{outcomes:?}");
        assert!(live > 0);
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_the_last_two_identities_one_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        // The wallet is primary and cannot sign in: either of the others may go, not both.
        let (w, g, h) = (format!("w{round}"), format!("g{round}"), format!("h{round}"));
        let id = created(&service, "google-oauth2", &g).await;
        let person = server.person("google-oauth2", &g);
        for (provider, subject) in [("wallet", &w), ("github", &h)] {
            person.link(link_with(&server.proof(provider, subject))).await.unwrap();
        }
        let identity = identity_ref("wallet", &w);
        person.set_primary_identity(pb::SetPrimaryIdentityRequest { identity, ..Default::default() }).await.unwrap();

        let outcomes = at_once(vec![
            detach(&service, unlink(&id, "google-oauth2", &g)),
            detach(&service, unlink(&id, "github", &h)),
        ])
        .await;

        assert_eq!(count(&outcomes, "OK"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "FailedPrecondition LAST_IDENTITY"), 1, "{outcomes:?}");
        assert_eq!(service.user(&id).await.identities.len(), 2);
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_and_a_deletion_happen_one_after_the_other() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, s) = (format!("g{round}"), format!("s{round}"));
        let (a, b) = (created(&service, "google-oauth2", &g).await, created(&service, "sms", &s).await);
        let deletes_secondary = round % 2 == 0;
        let deleted = if deletes_secondary { &b } else { &a };
        let by_token = round % 4 < 2;
        let (caller, request) = if by_token {
            (server.person("google-oauth2", &g), link_with(&server.proof("sms", &s)))
        } else {
            (service.clone(), link_user(&a, &b))
        };

        let outcomes = at_once(vec![link(&caller, request), delete(&service, deleted)]).await;

        let told: [&str; 2] = [&outcomes[0], &outcomes[1]];
        let states = service.resolved(&[&a, &b]).await;
        match told {
            // The link came first, and who was absorbed, or has absorbed, is not deleted.
            ["ABSORBED", "FailedPrecondition USER_ABSORBED"] if deletes_secondary => {}
            ["ABSORBED", "FailedPrecondition ABSORBED_USERS_EXIST"] if !deletes_secondary => {}
            ["NotFound USER_NOT_FOUND" | "FailedPrecondition LINK_TOKEN_INVALID", "OK"] => {
                assert!(states[usize::from(deletes_secondary)].starts_with("DELETED"), "{states:?}");
                continue;
            }
            _ => panic!("round {round}: {outcomes:?}"),
        }
        assert_eq!(states, [format!("CURRENT {a}"), format!("ABSORBED {a}")]);
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_and_an_unlink_of_one_identity_happen_one_after_the_other() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (a, b) = (
            created(&service, "google-oauth2", &format!("a{round}")).await,
            created(&service, "github", &format!("b{round}")).await,
        );
        let s = format!("s{round}");
        let id = created(&service, "sms", &s).await;
        service.link(link_user(&a, &id)).await.unwrap();

        let outcomes =
            at_once(vec![link(&service, link_identity(&b, "sms", &s)), detach(&service, unlink(&a, "sms", &s))]).await;

        assert_eq!(outcomes[0], "ABSORBED");
        let states = service.resolved(&[&a, &b, &id]).await;
        match outcomes[1].as_str() {
            // Unlinked first: only the phone's user went.
            "OK" => assert_eq!(states, [format!("CURRENT {a}"), format!("CURRENT {b}"), format!("ABSORBED {b}")]),
            // Linked first: everybody went.
            "FailedPrecondition USER_ABSORBED" => {
                assert_eq!(states, [format!("ABSORBED {b}"), format!("CURRENT {b}"), format!("ABSORBED {b}")]);
            }
            other => panic!("{other}"),
        }
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_created_twenty_times_at_once_is_one_user() {
    let server = TestServer::start().await;
    for round in 0..5 {
        let create = |_| {
            let service = server.service();
            let identity =
                pb::NewIdentity { r#ref: identity_ref("github", &format!("h{round}")), ..Default::default() };
            let request = pb::CreateUserRequest { identity: Some(identity), ..Default::default() };
            racer(async move { service.create_user(request).await })
        };
        let outcomes = at_once((0..20).map(create).collect()).await;
        assert_eq!(count(&outcomes, "OK"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "AlreadyExists IDENTITY_TAKEN"), 19, "{outcomes:?}");
    }
    assert_eq!(server.database.db_texts("SELECT id FROM users").await.len(), 5);
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_call_twenty_times_at_once_makes_one_link() {
    let server = TestServer::start().await;
    let service = server.service();
    created(&service, "google-oauth2", "g1").await;
    created(&service, "sms", "s1").await;
    let person = server.person("google-oauth2", "g1");
    for (provider, subject, first) in [("sms", "s1", "ABSORBED"), ("github", "h1", "ATTACHED")] {
        let token = server.proof(provider, subject);
        let outcomes = at_once((0..20).map(|_| link(&person, link_with(&token))).collect()).await;
        assert_eq!((count(&outcomes, first), count(&outcomes, "ALREADY_LINKED")), (1, 19), "{outcomes:?}");
    }
    assert_eq!(server.database.db_texts("SELECT id::text FROM links").await.len(), 2);
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn merges_at_once_lose_no_key() {
    let server = TestServer::start().await;
    let service = server.service();
    let id = created(&service, "google-oauth2", "g1").await;
    let keys: Vec<String> = (0..8).map(|n| format!("key{n}")).collect();
    let merge_one = |key: &String| {
        let given = pb::GivenMetadata { user_metadata: object(object!({ key: true })), app_metadata: None };
        let request = pb::MergeMetadataRequest {
            user_id: id.clone(),
            source: Some(pb::merge_metadata_request::Source::Given(given)),
            user_metadata: merge_default(),
            ..Default::default()
        };
        let service = service.clone();
        racer(async move { service.merge_metadata(request).await })
    };

    let outcomes = at_once(keys.iter().map(merge_one).collect()).await;

    assert_eq!(count(&outcomes, "OK"), keys.len(), "{outcomes:?}");
    let user = service.user(&id).await;
    let kept = json(&user.user_metadata);
    assert!(keys.iter().all(|key| kept[key] == true), "{kept}");
    assert_eq!(user.version, 9);
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_unowned_identity_is_attached_to_one_of_two_users() {
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, h) = (format!("g{round}"), format!("h{round}"));
        let (a, b) = (created(&service, "google-oauth2", &g).await, created(&service, "github", &h).await);
        // One token each: with one for both, the second is a replay.
        let s = format!("s{round}");
        let proof = || Token::of("sms", &s).sign();

        let outcomes = at_once(vec![
            link(&server.person("google-oauth2", &g), link_with(&proof())),
            link(&server.person("github", &h), link_with(&proof())),
        ])
        .await;

        assert_eq!(count(&outcomes, "ATTACHED"), 1, "{outcomes:?}");
        let (winner, loser) = if outcomes[0] == "ATTACHED" { (&a, &b) } else { (&b, &a) };
        match outcomes.iter().find(|outcome| *outcome != "ATTACHED").unwrap().as_str() {
            // Judged before the other had it.
            "AlreadyExists IDENTITY_TAKEN" => {
                assert_eq!(service.owner("sms", &s).await, *winner);
                assert_eq!(service.resolved(&[loser]).await, [format!("CURRENT {loser}")]);
            }
            // Judged after that, when its token proved the other user.
            "ABSORBED" => assert_eq!(service.resolved(&[winner]).await, [format!("ABSORBED {loser}")]),
            other => panic!("{other}"),
        }
    }
    server.database.db_assert_invariants().await;
}
