//! How often a write waits for the database: what does not depend on another response is sent
//! together.

use identity_link::grpc::proto::{self as pb, merge_metadata_request::Source};
use serde_json::json;
use tonic::Status;

use super::logged_server_on;
use crate::support::{cluster::cluster, round_trips::RoundTrips, tokens::Token, *};

/// The calls of a story, each with its number of round trips.
struct Story<'a> {
    server: &'a TestServer,
    round_trips: &'a RoundTrips,
    counts: Vec<String>,
}

impl Story<'_> {
    /// Makes a call, which must succeed.
    async fn call<T>(&mut self, what: &str, call: impl Future<Output = Result<T, Status>>) -> T {
        let before = self.round_trips.count();
        let response = call.await.unwrap();
        self.counts.push(format!("{what} {}", self.round_trips.count() - before));
        response
    }

    /// Makes each write once, on users of this name.
    async fn tell(&mut self, name: &str) {
        let service = self.server.service();
        let create = |provider: &str| {
            let identity = pb::NewIdentity {
                identity_ref: identity_ref(provider, name),
                ..Default::default()
            };
            pb::CreateUserRequest { identity: Some(identity), ..Default::default() }
        };
        let primary = self.call("CreateUser", service.create_user(create("github"))).await;
        let primary = primary.user.unwrap().id;
        let secondary = service.create("google-oauth2", name).await.id;

        self.call("UpdateUser", service.update_user(block(&primary, true))).await;
        service.block(&primary, false).await;
        let given = pb::GivenMetadata {
            user_metadata: object(json!({ "lang": "en" })),
            ..Default::default()
        };
        let merge = pb::MergeMetadataRequest {
            user_id: primary.clone(),
            source: Some(Source::Given(given)),
            user_metadata: merge_default(),
            ..Default::default()
        };
        self.call("MergeMetadata", service.merge_metadata(merge)).await;

        self.call("Link", service.link(link_user(&primary, &secondary))).await;
        let unlink = unlink(&primary, "google-oauth2", name);
        self.call("Unlink", service.unlink(unlink)).await;
        let request_id = uuid::Uuid::new_v4().to_string();
        let link = pb::LinkRequest { request_id, ..link_user(&primary, &secondary) };
        let linked = self.call("Link under a request id", service.link(link)).await;
        let undo = pb::UndoLinkRequest { link_id: linked.link.unwrap().id, ..Default::default() };
        self.call("UndoLink", service.undo_link(undo)).await;

        let person = self.server.person("github", name);
        let token = Token::of("sms", name).sign();
        self.call("Link of an account", person.link(link_with(&token))).await;
        let set = pb::SetPrimaryIdentityRequest {
            identity: identity_ref("sms", name),
            ..Default::default()
        };
        self.call("SetPrimaryIdentity", person.set_primary_identity(set)).await;

        self.call("ResolveSignIn, new", service.resolve_sign_in(sign_in("ad", name))).await;
        self.call("ResolveSignIn, known", service.resolve_sign_in(sign_in("ad", name))).await;
        self.call("DeleteUser", service.delete_user(delete(&secondary))).await;
    }
}

#[tokio::test]
async fn a_write_waits_for_a_look_up_its_rows_its_writes_and_its_commit() {
    let database = cluster().db_migrated().await;
    let round_trips = database.db_with_round_trips().await;
    let (direct, counted) = (database.url.clone(), round_trips.url.clone());
    let server = logged_server_on(database, |toml| toml.replace(&direct, &counted)).await;
    let mut story = Story { server: &server, round_trips: &round_trips, counts: Vec::new() };
    // The first calls prepare their statements.
    story.tell("warm").await;
    story.counts.clear();

    story.tell("ann").await;

    insta::assert_snapshot!(story.counts.join("\n"), @r"
    CreateUser 3
    UpdateUser 4
    MergeMetadata 4
    Link 4
    Unlink 4
    Link under a request id 4
    UndoLink 4
    Link of an account 4
    SetPrimaryIdentity 4
    ResolveSignIn, new 5
    ResolveSignIn, known 1
    DeleteUser 29
    ");
}
