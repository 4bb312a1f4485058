//! `Unlink`: the unmerge of what a link had put into other users' metadata.

use identity_link::grpc::proto::{self as pb, UnlinkMetadata, metadata_merge as mm};
use serde_json::{Value, json as object};

use crate::support::*;

/// Creates a user at this provider with this `user_metadata` and `app_metadata`. Returns its id.
async fn user(server: &TestServer, provider: &str, metadata: Value, app: Value) -> String {
    let service = server.service();
    let created = service.create_with(provider, provider, |request| {
        request.user_metadata = object(metadata);
        request.app_metadata = object(app);
    });
    created.await.id
}

/// A service links the two users with a merge in which the secondary's metadata wins. Returns the
/// link's id.
async fn absorb(server: &TestServer, primary: &str, secondary: &str) -> String {
    let all = merge(mm::Conflict::SecondaryWins, mm::Arrays::Concatenate);
    let request =
        pb::LinkRequest { user_metadata: all, app_metadata: all, ..link_user(primary, secondary) };
    server.service().link(request).await.unwrap().link.unwrap().id
}

async fn metadata(server: &TestServer, id: &str) -> [Value; 2] {
    let user = server.service().user(id).await;
    [json(&user.user_metadata), json(&user.app_metadata)]
}

/// Sets one key of a user's `user_metadata`, and leaves the others.
async fn edit(server: &TestServer, id: &str, key: &str, value: Value) {
    let mut metadata = metadata(server, id).await[0].clone();
    metadata[key] = value;
    let update = pb::UserUpdate { user_metadata: object(metadata), ..Default::default() };
    server.service().update_user(update_of(id, update)).await.unwrap();
}

fn update_of(id: &str, update: pb::UserUpdate) -> pb::UpdateUserRequest {
    let update_mask = Some(prost_types::FieldMask { paths: vec!["user_metadata".to_owned()] });
    pb::UpdateUserRequest {
        user_id: id.to_owned(),
        update: Some(update),
        update_mask,
        ..Default::default()
    }
}

#[tokio::test]
async fn what_the_merge_put_there_goes_and_what_was_edited_since_stays() {
    let server = TestServer::start().await;
    let google = user(
        &server,
        "google-oauth2",
        object!({"theme": "dark", "own": 1}),
        object!({"plan": "free"}),
    )
    .await;
    let sms = user(
        &server,
        "sms",
        object!({"theme": "light", "lang": "de", "tz": "CET"}),
        object!({"plan": "gold"}),
    )
    .await;
    absorb(&server, &google, &sms).await;
    edit(&server, &google, "lang", object!("fr")).await;
    edit(&server, &google, "new", object!(2)).await;
    let request = unlink(&google, "sms", "sms");

    let preview = server
        .service()
        .unlink(pb::UnlinkRequest { validate_only: true, ..request.clone() })
        .await
        .unwrap();
    let unlinked = server.service().unlink(request).await.unwrap();

    assert_eq!(preview.metadata_changes, unlinked.metadata_changes);
    insta::assert_snapshot!(changes(&unlinked.metadata_changes), @r"
    USER /theme REVERSED
    USER /tz REVERSED
    USER /lang KEPT
    APP /plan REVERSED
    ");
    assert_eq!(
        metadata(&server, &google).await,
        [object!({"theme": "dark", "own": 1, "lang": "fr", "new": 2}), object!({"plan": "free"})]
    );
    assert_eq!(
        metadata(&server, &sms).await,
        [object!({"theme": "light", "lang": "de", "tz": "CET"}), object!({"plan": "gold"})]
    );
}

/// As in Auth0, the primary user keeps what it got.
#[tokio::test]
async fn a_discard_leaves_the_merge_in_place() {
    let server = TestServer::start().await;
    let google = user(&server, "google-oauth2", object!({}), object!({})).await;
    let sms = user(&server, "sms", object!({"lang": "de"}), object!({"plan": "gold"})).await;
    absorb(&server, &google, &sms).await;

    let request = pb::UnlinkRequest {
        metadata: UnlinkMetadata::Discard.into(),
        ..unlink(&google, "sms", "sms")
    };
    let unlinked = server.service().unlink(request).await.unwrap();

    assert_eq!(changes(&unlinked.metadata_changes), "USER  WITHHELD\nAPP  WITHHELD");
    assert_eq!(
        metadata(&server, &google).await,
        [object!({"lang": "de"}), object!({"plan": "gold"})]
    );
    assert_eq!(metadata(&server, &sms).await, [object!({}), object!({})]);
}

/// Taking a role away can give another one back, so a person's unlink changes `app_metadata` in
/// neither direction.
#[tokio::test]
async fn a_person_takes_no_app_metadata_back() {
    let server = TestServer::start().await;
    let google = user(&server, "google-oauth2", object!({}), object!({"role": "admin"})).await;
    let sms = user(&server, "sms", object!({"lang": "de"}), object!({"role": "guest"})).await;
    absorb(&server, &google, &sms).await;

    let unlinked = server
        .person("google-oauth2", "google-oauth2")
        .unlink(unlink("", "sms", "sms"))
        .await
        .unwrap();

    insta::assert_snapshot!(changes(&unlinked.metadata_changes), @r"
    USER /lang REVERSED
    APP /role KEPT
    APP  WITHHELD
    ");
    assert_eq!(metadata(&server, &google).await, [object!({}), object!({"role": "guest"})]);
    assert_eq!(metadata(&server, &sms).await, [object!({"lang": "de"}), object!({})]);
}

#[tokio::test]
async fn merges_are_taken_back_in_either_order() {
    for first in ["sms", "github"] {
        let server = TestServer::start().await;
        let google = user(&server, "google-oauth2", object!({"theme": "dark"}), object!({})).await;
        let sms =
            user(&server, "sms", object!({"theme": "light", "box": {"x": 1}}), object!({})).await;
        let github =
            user(&server, "github", object!({"theme": "red", "box": {"y": 2}}), object!({})).await;
        absorb(&server, &google, &sms).await;
        absorb(&server, &google, &github).await;
        assert_eq!(
            metadata(&server, &google).await[0],
            object!({"theme": "red", "box": {"x": 1, "y": 2}})
        );

        server.service().unlink(unlink(&google, first, first)).await.unwrap();
        let between = if first == "sms" {
            object!({"theme": "red", "box": {"y": 2}})
        } else {
            object!({"theme": "light", "box": {"x": 1}})
        };
        assert_eq!(metadata(&server, &google).await[0], between);

        let second = if first == "sms" { "github" } else { "sms" };
        server.service().unlink(unlink(&google, second, second)).await.unwrap();
        assert_eq!(metadata(&server, &google).await[0], object!({"theme": "dark"}));
        server.database.db_assert_invariants().await;
    }
}

/// S absorbs T, and P absorbs S. When T leaves P, what S had of T goes too, and what P had of T by
/// way of S.
#[tokio::test]
async fn metadata_that_came_by_way_of_another_user_is_taken_back() {
    let server = TestServer::start().await;
    let p = user(&server, "google-oauth2", object!({"tags": ["p"]}), object!({})).await;
    let s = user(&server, "sms", object!({"tags": ["s"]}), object!({})).await;
    let t =
        user(&server, "github", object!({"tags": ["t"], "lang": "de"}), object!({"plan": "gold"}))
            .await;
    absorb(&server, &s, &t).await;
    absorb(&server, &p, &s).await;
    assert_eq!(
        metadata(&server, &p).await,
        [object!({"tags": ["p", "s", "t"], "lang": "de"}), object!({"plan": "gold"})]
    );

    let unlinked = server.service().unlink(unlink(&p, "github", "github")).await.unwrap();

    insta::assert_snapshot!(changes(&unlinked.metadata_changes), @r"
    USER /lang REVERSED
    USER /tags REVERSED
    APP /plan REVERSED
    ");
    assert_eq!(metadata(&server, &p).await, [object!({"tags": ["p", "s"]}), object!({})]);
    assert_eq!(
        metadata(&server, &t).await,
        [object!({"tags": ["t"], "lang": "de"}), object!({"plan": "gold"})]
    );

    server.service().unlink(unlink(&p, "sms", "sms")).await.unwrap();
    assert_eq!(metadata(&server, &p).await, [object!({"tags": ["p"]}), object!({})]);
    assert_eq!(metadata(&server, &s).await, [object!({"tags": ["s"]}), object!({})]);
    server.database.db_assert_invariants().await;
}

/// S leaves P, and T, which S had brought, stays: S comes back without what it has of T.
#[tokio::test]
async fn a_user_that_comes_back_without_those_it_brought_is_without_their_metadata() {
    let server = TestServer::start().await;
    let p = user(&server, "google-oauth2", object!({}), object!({})).await;
    let s = user(&server, "sms", object!({"own": 1}), object!({})).await;
    let t = user(&server, "github", object!({"lang": "de"}), object!({})).await;
    absorb(&server, &s, &t).await;
    absorb(&server, &p, &s).await;

    server.service().unlink(unlink(&p, "sms", "sms")).await.unwrap();
    assert_eq!(metadata(&server, &s).await[0], object!({"own": 1}));
    assert_eq!(metadata(&server, &p).await[0], object!({}));

    server.service().unlink(unlink(&p, "github", "github")).await.unwrap();
    assert_eq!(metadata(&server, &t).await[0], object!({"lang": "de"}));
    assert_eq!(metadata(&server, &s).await[0], object!({"own": 1}));
    assert_eq!(metadata(&server, &p).await[0], object!({}));
    server.database.db_assert_invariants().await;
}

/// An unmerge restores a large value beside what the user has added since. Both together may exceed
/// the limit.
#[tokio::test]
async fn an_unlink_that_would_restore_too_much_metadata_is_refused() {
    let server = TestServer::start().await;
    let google =
        user(&server, "google-oauth2", object!({"a": "x".repeat(10_000)}), object!({})).await;
    let sms = user(&server, "sms", object!({"a": 1}), object!({})).await;
    absorb(&server, &google, &sms).await;
    edit(&server, &google, "b", object!("y".repeat(10_000))).await;

    let refused = server.db_refused(server.service().unlink(unlink(&google, "sms", "sms"))).await;
    assert_eq!(refused, "FailedPrecondition METADATA_TOO_LARGE");

    let request = pb::UnlinkRequest {
        metadata: UnlinkMetadata::Discard.into(),
        ..unlink(&google, "sms", "sms")
    };
    server.service().unlink(request).await.unwrap();
}
