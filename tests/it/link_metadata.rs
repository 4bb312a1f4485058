//! `Link`: what it does to the metadata.

use identity_link::grpc::proto::{
    self as pb,
    metadata_merge::{Arrays, Conflict},
};
use serde_json::{Value, json as object};

use crate::support::*;

/// Creates a user with this metadata. Returns its id.
async fn with_metadata(service: &Caller, subject: &str, user: Value, app: Value) -> String {
    let created = service.create_with("google-oauth2", subject, |request| {
        request.user_metadata = object(user);
        request.app_metadata = object(app);
    });
    created.await.id
}

/// Two users whose metadata has conflicts, arrays, equal values, and values that only the secondary
/// user has.
async fn two_users(service: &Caller) -> (String, String) {
    let primary = object!({"lang": "en", "tags": ["a", "b"], "deep": {"x": 1, "same": true}});
    let secondary = object!({"lang": "de", "tags": ["b", "c"], "deep": {"x": 2, "same": true, "new": null}, "add": {"y": 1}});
    let primary =
        with_metadata(service, "p", primary, object!({"roles": ["reader"], "plan": "free"})).await;
    let secondary =
        with_metadata(service, "s", secondary, object!({"roles": ["admin"], "plan": "gold"})).await;
    (primary, secondary)
}

/// A45: a link brings no metadata along unless the caller asks for it.
#[tokio::test]
async fn a_link_without_a_merge_keeps_the_primary_users_metadata() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, secondary) = two_users(&service).await;
    let before = service.user(&primary).await;

    let linked = service.link(link_user(&primary, &secondary)).await.unwrap();

    assert_eq!(linked.metadata_changes, []);
    let user = linked.user.unwrap();
    assert_eq!(
        (user.user_metadata, user.app_metadata),
        (before.user_metadata, before.app_metadata)
    );
}

#[tokio::test]
async fn a_merge_adds_combines_and_settles_conflicts_and_lists_each() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, secondary) = two_users(&service).await;
    let request = pb::LinkRequest {
        user_metadata: merge(Conflict::PrimaryWins, Arrays::Union),
        app_metadata: merge(Conflict::SecondaryWins, Arrays::Concatenate),
        ..link_user(&primary, &secondary)
    };

    let linked = service.link(request).await.unwrap();

    insta::assert_snapshot!(changes(&linked.metadata_changes), @r"
    USER /add ADDED
    USER /deep/new ADDED
    USER /deep/x CONFLICT_PRIMARY
    USER /lang CONFLICT_PRIMARY
    USER /tags COMBINED
    APP /plan CONFLICT_SECONDARY
    APP /roles COMBINED
    ");
    let user = linked.user.unwrap();
    assert_eq!(
        json(&user.user_metadata),
        object!({"lang": "en", "tags": ["a", "b", "c"], "deep": {"x": 1, "same": true, "new": null}, "add": {"y": 1}})
    );
    assert_eq!(json(&user.app_metadata), object!({"roles": ["reader", "admin"], "plan": "gold"}));
}

#[tokio::test]
async fn the_link_keeps_what_its_merge_changed_who_made_it_and_on_what_proof() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, secondary) = two_users(&service).await;
    let request = pb::LinkRequest {
        user_metadata: merge(Conflict::SecondaryWins, Arrays::Replace),
        app_metadata: merge(Conflict::PrimaryWins, Arrays::Concatenate),
        ..link_user(&primary, &secondary)
    };
    let link = service.link(request).await.unwrap().link.unwrap();

    let rows = server.database.db_texts("SELECT changes::text FROM links").await;
    let kept: Value = serde_json::from_str(&rows[0]).unwrap();
    assert_eq!(
        kept,
        object!({
            "user_metadata": [
                {"path": "/add", "after": {"y": 1}},
                {"path": "/deep/new", "after": null},
                {"path": "/deep/x", "before": 1, "after": 2},
                {"path": "/lang", "before": "en", "after": "de"},
                {"path": "/tags", "before": ["a", "b"], "after": ["b", "c"]},
            ],
            "app_metadata": [{"path": "/roles", "before": ["reader"], "after": ["reader", "admin"]}],
        }),
        "a conflict that the primary won changed nothing"
    );
    let told = server
        .database
        .db_texts("SELECT concat_ws(' ', id, primary_id, secondary_id, actor, proof) FROM links")
        .await;
    let actor =
        r#"{"kind": "service", "issuer": "https://services.example.com", "subject": "backend"}"#;
    assert_eq!(
        told,
        [format!(r#"{} {primary} {secondary} {actor} {{"kind": "service"}}"#, link.id)]
    );
}

#[tokio::test]
async fn a_link_stores_the_caller_and_the_proof_of_both_its_tokens() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, _) = two_users(&service).await;
    service.create("sms", "s1").await;
    server.person("google-oauth2", "p").link(link_with(&server.proof("sms", "s1"))).await.unwrap();

    let told = server
        .database
        .db_texts("SELECT concat_ws(' ', actor, proof, octet_length(proof_hash)) FROM links")
        .await;
    let actor = format!(
        r#"{{"kind": "user", "issuer": "https://google-oauth2.example.com", "subject": "{primary}"}}"#
    );
    let proof = r#"{"kind": "token", "issuer": "https://sms.example.com", "subject": "s1"}"#;
    assert_eq!(told, [format!("{actor} {proof} 32")]);
}

/// A45: a person cannot bring roles along.
#[tokio::test]
async fn a_person_merges_its_user_metadata_and_never_its_app_metadata() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, _) = two_users(&service).await;
    let (person, token) = (server.person("google-oauth2", "p"), server.proof("google-oauth2", "s"));

    for conflict in [Conflict::PrimaryWins, Conflict::SecondaryWins, Conflict::Fail] {
        let request =
            pb::LinkRequest { app_metadata: merge(conflict, Arrays::Union), ..link_with(&token) };
        assert_eq!(
            server.db_refused(person.link(request)).await,
            "PermissionDenied SCOPE_INSUFFICIENT"
        );
    }
    let request = pb::LinkRequest {
        user_metadata: merge(Conflict::SecondaryWins, Arrays::Replace),
        ..link_with(&token)
    };
    let user = person.link(request).await.unwrap().user.unwrap();

    assert_eq!(json(&user.user_metadata)["lang"], "de");
    assert_eq!(json(&user.app_metadata), object!({"roles": ["reader"], "plan": "free"}));
    assert_eq!(user, service.user(&primary).await);
}

#[tokio::test]
async fn a_merge_that_fails_on_conflicts_lists_every_conflict_of_both_namespaces() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, secondary) = two_users(&service).await;
    let request = |user: Arrays, app: Arrays| pb::LinkRequest {
        user_metadata: merge(Conflict::Fail, user),
        app_metadata: merge(Conflict::Fail, app),
        ..link_user(&primary, &secondary)
    };

    insta::assert_snapshot!(server.db_refused(service.link(request(Arrays::Replace, Arrays::Replace))).await, @r"
    FailedPrecondition METADATA_CONFLICT
    user_metadata/deep/x
    user_metadata/lang
    user_metadata/tags
    app_metadata/plan
    app_metadata/roles
    ");
    insta::assert_snapshot!(server.db_refused(service.link(request(Arrays::Union, Arrays::Concatenate))).await, @r"
    FailedPrecondition METADATA_CONFLICT
    user_metadata/deep/x
    user_metadata/lang
    app_metadata/plan
    ");
    let one_only = pb::LinkRequest {
        app_metadata: merge(Conflict::Fail, Arrays::Union),
        ..link_user(&primary, &secondary)
    };
    assert_eq!(
        server.db_refused(service.link(one_only)).await,
        "FailedPrecondition METADATA_CONFLICT\napp_metadata/plan"
    );
}

#[tokio::test]
async fn merged_metadata_keeps_to_its_bound() {
    let server = TestServer::start().await;
    let service = server.service();
    let big = |name: &str, bytes: usize| object!({ name: "x".repeat(bytes) });
    let overhead = r#"{"a":"","b":""}"#.len();
    let half = 8 * 1024;
    let primary = with_metadata(&service, "p", big("a", half), big("a", half)).await;
    let fits = half - overhead;
    let too_much = with_metadata(&service, "s", big("b", fits), big("b", fits + 1)).await;
    let request = |user, app| pb::LinkRequest {
        user_metadata: user,
        app_metadata: app,
        ..link_user(&primary, &too_much)
    };

    let refused = server.db_refused(service.link(request(None, merge_default()))).await;
    assert_eq!(refused, "FailedPrecondition METADATA_TOO_LARGE");
    let refused = server.db_refused(service.link(request(merge_default(), merge_default()))).await;
    assert_eq!(refused, "FailedPrecondition METADATA_TOO_LARGE");
    let linked = service.link(request(merge_default(), None)).await.unwrap();
    assert_eq!(changes(&linked.metadata_changes), "USER /b ADDED");
}

#[tokio::test]
async fn an_attached_identity_brings_no_metadata() {
    let server = TestServer::start().await;
    let service = server.service();
    let (primary, _) = two_users(&service).await;
    let before = service.user(&primary).await;
    let request = pb::LinkRequest {
        user_metadata: merge(Conflict::Fail, Arrays::Replace),
        ..link_with(&server.proof("github", "h1"))
    };

    let linked = server.person("google-oauth2", "p").link(request).await.unwrap();

    assert_eq!(linked.metadata_changes, []);
    let user = linked.user.unwrap();
    assert_eq!(
        (user.user_metadata, user.app_metadata),
        (before.user_metadata, before.app_metadata)
    );
}
