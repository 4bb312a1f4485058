//! `Unlink`: which metadata the returning user has.

use identity_link::grpc::proto::{self as pb, UnlinkMetadata};
use serde_json::{Value, json as object};

use crate::support::*;

/// An absorbed user with metadata in both namespaces. Returns the ids of its holder, of that user,
/// and of the link.
async fn absorbed(server: &TestServer) -> [String; 3] {
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let created = service.create_with("sms", "s1", |request| {
        request.user_metadata = object(object!({"lang": "de"}));
        request.app_metadata = object(object!({"plan": "gold"}));
    });
    let sms = created.await.id;
    let link = service.link(link_user(&google, &sms)).await.unwrap().link.unwrap();
    [google, sms, link.id]
}

fn metadata(user: &pb::User) -> [Value; 2] {
    [json(&user.user_metadata), json(&user.app_metadata)]
}

fn with(metadata: UnlinkMetadata, user_id: &str) -> pb::UnlinkRequest {
    pb::UnlinkRequest { metadata: metadata.into(), ..unlink(user_id, "sms", "s1") }
}

/// A service's request to merge what a link kept.
fn merge_link(user_id: &str, link_id: &str) -> pb::MergeMetadataRequest {
    pb::MergeMetadataRequest {
        user_id: user_id.to_owned(),
        source: Some(pb::merge_metadata_request::Source::LinkId(link_id.to_owned())),
        user_metadata: merge_default(),
        app_metadata: merge_default(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_service_gives_everything_back_unless_it_says_otherwise() {
    for choice in [UnlinkMetadata::Unspecified, UnlinkMetadata::Restore] {
        let server = TestServer::start().await;
        let [google, _, _] = absorbed(&server).await;

        let unlinked = server.service().unlink(with(choice, &google)).await.unwrap();

        assert_eq!(changes(&unlinked.metadata_changes), "");
        assert_eq!(
            metadata(&unlinked.detached_user.unwrap()),
            [object!({"lang": "de"}), object!({"plan": "gold"})]
        );
    }
}

#[tokio::test]
async fn a_person_does_not_give_app_metadata_back_and_a_service_does_later() {
    for choice in [UnlinkMetadata::Unspecified, UnlinkMetadata::Restore] {
        let server = TestServer::start().await;
        let service = server.service();
        let [google, sms, link] = absorbed(&server).await;

        let unlinked = server.person("google-oauth2", "g1").unlink(with(choice, "")).await.unwrap();

        assert_eq!(
            (changes(&unlinked.metadata_changes).as_str(), &unlinked.link_id),
            ("APP  WITHHELD", &link)
        );
        let told = unlinked.detached_user.unwrap();
        assert_eq!(
            metadata(&told),
            [object!({}), object!({})],
            "the person has not proved that user"
        );
        assert_eq!(metadata(&service.user(&sms).await), [object!({"lang": "de"}), object!({})]);
        assert_eq!(metadata(&service.user(&google).await), [object!({}), object!({})]);

        // Neither of the two users can fetch it.
        for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1")] {
            let own = server.person(provider, subject);
            let refused = server.db_refused(own.merge_metadata(merge_link("", &link))).await;
            assert_eq!(refused, "PermissionDenied SCOPE_INSUFFICIENT");
        }
        let merged = service.merge_metadata(merge_link(&sms, &link)).await.unwrap();
        assert_eq!(changes(&merged.metadata_changes), "APP /plan ADDED", "only what was withheld");
        assert_eq!(
            metadata(&merged.user.unwrap()),
            [object!({"lang": "de"}), object!({"plan": "gold"})]
        );
    }
}

#[tokio::test]
async fn discarded_metadata_does_not_come_back_and_the_link_keeps_it() {
    for by_service in [true, false] {
        let server = TestServer::start().await;
        let service = server.service();
        let [google, sms, link] = absorbed(&server).await;
        let caller =
            if by_service { service.clone() } else { server.person("google-oauth2", "g1") };

        let unlinked = caller.unlink(with(UnlinkMetadata::Discard, &google)).await.unwrap();

        assert_eq!(changes(&unlinked.metadata_changes), "USER  WITHHELD\nAPP  WITHHELD");
        assert_eq!(metadata(&unlinked.detached_user.unwrap()), [object!({}), object!({})]);
        let merged = service.merge_metadata(merge_link(&sms, &link)).await.unwrap();
        assert_eq!(
            metadata(&merged.user.unwrap()),
            [object!({"lang": "de"}), object!({"plan": "gold"})]
        );
    }
}

#[tokio::test]
async fn nothing_is_withheld_from_a_user_that_had_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    service.create("sms", "s1").await;
    service.link(link_identity(&google, "sms", "s1")).await.unwrap();

    let unlinked = server
        .person("google-oauth2", "g1")
        .unlink(with(UnlinkMetadata::Discard, ""))
        .await
        .unwrap();

    assert_eq!((unlinked.restored, unlinked.metadata_changes), (true, vec![]));
}

#[tokio::test]
async fn a_person_that_links_and_unlinks_its_users_moves_no_app_metadata() {
    let server = TestServer::start().await;
    let service = server.service();
    let [google, sms, first] = absorbed(&server).await;
    let person = server.person("google-oauth2", "g1");
    person.unlink(with(UnlinkMetadata::Restore, "")).await.unwrap();

    person.link(link_with(&server.proof("sms", "s1"))).await.unwrap();
    let second = person.unlink(with(UnlinkMetadata::Restore, "")).await.unwrap();

    assert_ne!(second.link_id, first);
    assert_eq!(second.metadata_changes, [], "there was none left to withhold");
    assert_eq!(metadata(&service.user(&google).await)[1], object!({}));
    assert_eq!(metadata(&service.user(&sms).await)[1], object!({}));
    // The first link still keeps the metadata.
    let merged = service.merge_metadata(merge_link(&sms, &first)).await.unwrap();
    assert_eq!(changes(&merged.metadata_changes), "APP /plan ADDED");
}

#[tokio::test]
async fn an_unknown_choice_is_refused() {
    let server = TestServer::start().await;
    let [google, _, _] = absorbed(&server).await;
    let request = pb::UnlinkRequest { metadata: 7, ..unlink(&google, "sms", "s1") };
    insta::assert_snapshot!(server.db_refused(server.service().unlink(request)).await, @r"
    InvalidArgument REQUEST_INVALID
    metadata: is not one of the values that the proto names
    ");
}
