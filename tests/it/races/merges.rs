//! Merges of metadata whose source is absorbed meanwhile.

use serde_json::json as value;

use super::*;

/// R11: merges, and a link of their source.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_source_is_merged_as_often_as_a_merge_succeeds() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let a = created(&service, "google-oauth2", &format!("g{round}")).await;
        let other = created(&service, "github", &format!("h{round}")).await;
        let has_list = |request: &mut pb::CreateUserRequest| {
            request.user_metadata = object(value!({"list": [1]}));
        };
        let source = service.create_with("sms", &format!("s{round}"), has_list).await.id;
        let by_other = races.coin();
        let merge_it = |_| {
            let request = pb::MergeMetadataRequest {
                user_id: a.clone(),
                source: Some(pb::merge_metadata_request::Source::SourceUserId(source.clone())),
                user_metadata: merge_default(),
                ..Default::default()
            };
            let service = service.clone();
            racer(async move { service.merge_metadata(request).await })
        };
        let mut racers =
            vec![link(&service, link_user(if by_other { &other } else { &a }, &source))];
        racers.extend((0..races.number(1..=4)).map(merge_it));

        let outcomes = races.at_once(racers).await;

        assert_eq!(outcomes[0], "ABSORBED");
        let merged = count(&outcomes, "OK");
        let late =
            if by_other { "FailedPrecondition USER_ABSORBED" } else { "InvalidArgument SAME_USER" };
        assert_eq!(merged + count(&outcomes, late) + 1, outcomes.len(), "{outcomes:?}");
        let items =
            json(&service.user(&a).await.user_metadata)["list"].as_array().map_or(0, Vec::len);
        assert_eq!(items, merged, "{outcomes:?}");
    }
    server.database.db_assert_invariants().await;
}
