//! One user that many callers create or change.

use serde_json::json as object;

use super::*;

/// R08: a service may use `CreateUser` for an account's first sign-in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_that_is_created_twenty_times_at_once_is_one_user() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    for round in 0..5 {
        let create = |_| {
            let service = server.service();
            let identity = pb::NewIdentity {
                identity_ref: identity_ref("github", &format!("h{round}")),
                ..Default::default()
            };
            let request = pb::CreateUserRequest { identity: Some(identity), ..Default::default() };
            racer(async move { service.create_user(request).await })
        };
        let outcomes = races.at_once((0..20).map(create).collect()).await;
        assert_eq!(count(&outcomes, "OK"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "AlreadyExists IDENTITY_TAKEN"), 19, "{outcomes:?}");
    }
    assert_eq!(server.database.db_texts("SELECT id FROM users").await.len(), 5);
    server.database.db_assert_invariants().await;
}

/// R11, F13: all of many writers of one user succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn merges_at_once_lose_no_key() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    let id = created(&service, "google-oauth2", "g1").await;
    let keys: Vec<String> = (0..races.number(2..=16)).map(|n| format!("key{n}")).collect();
    let merge_one = |key: &String| {
        let given =
            pb::GivenMetadata { user_metadata: object(object!({ key: true })), app_metadata: None };
        let request = pb::MergeMetadataRequest {
            user_id: id.clone(),
            source: Some(pb::merge_metadata_request::Source::Given(given)),
            user_metadata: merge_default(),
            ..Default::default()
        };
        let service = service.clone();
        racer(async move { service.merge_metadata(request).await })
    };

    let outcomes = races.at_once(keys.iter().map(merge_one).collect()).await;

    assert_eq!(count(&outcomes, "OK"), keys.len(), "{outcomes:?}");
    let user = service.user(&id).await;
    let kept = json(&user.user_metadata);
    assert!(keys.iter().all(|key| kept[key] == true), "{kept}");
    assert_eq!(usize::try_from(user.version).unwrap(), 1 + keys.len());
    server.database.db_assert_invariants().await;
}
