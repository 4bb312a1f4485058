//! Calls that are overtaken: the state on which they were judged has changed before they write.

use identity_link::grpc::proto::{self as pb, link_response::Outcome};
use serde_json::json as object;
use tonic::Status;

use crate::support::{cluster, tokens::Token, *};

/// Lets `second` wait for a user's row while `first`, which came before it, still waits to write.
/// After that both go on. They are calls of two servers, so that both wait in the database.
async fn one_after_the_other<A: Send + 'static, B: Send + 'static>(
    server: &TestServer,
    user_id: &str,
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let held = server.database.db_hold(user_id).await;
    let first = tokio::spawn(first);
    server.database.db_until_waiting(1).await;
    let second = tokio::spawn(second);
    server.database.db_until_waiting(2).await;
    held.db_release().await;
    (first.await.unwrap(), second.await.unwrap())
}

/// A write of a caller to its own user. Returns only whether it succeeded.
async fn own_write(caller: Caller, rpc: &str) -> Result<(), Status> {
    let user_metadata = object(object!({"mine": true}));
    match rpc {
        "Link" => caller.link(link_with(&Token::of("github", "evil").sign())).await.map(drop),
        "Unlink" => caller.unlink(unlink("", "wallet", "w1")).await.map(drop),
        "SetPrimaryIdentity" => {
            let identity = identity_ref("wallet", "w1");
            caller
                .set_primary_identity(pb::SetPrimaryIdentityRequest {
                    identity,
                    ..Default::default()
                })
                .await
                .map(drop)
        }
        "MergeMetadata" => {
            let given = pb::GivenMetadata { user_metadata, app_metadata: None };
            let source = Some(pb::merge_metadata_request::Source::Given(given));
            let merge = pb::MergeMetadataRequest {
                source,
                user_metadata: merge_default(),
                ..Default::default()
            };
            caller.merge_metadata(merge).await.map(drop)
        }
        "UpdateUser" => {
            let update_mask =
                Some(prost_types::FieldMask { paths: vec!["user_metadata".to_owned()] });
            let update = Some(pb::UserUpdate { user_metadata, ..Default::default() });
            caller
                .update_user(pb::UpdateUserRequest { update, update_mask, ..Default::default() })
                .await
                .map(drop)
        }
        "DeleteUser" => {
            let delete = pb::DeleteUserRequest { include_absorbed: true, ..Default::default() };
            caller.delete_user(delete).await.map(drop)
        }
        _ => unreachable!("{rpc} is not a write to the caller's own user"),
    }
}

const OWN_WRITES: [&str; 6] =
    ["Link", "Unlink", "SetPrimaryIdentity", "MergeMetadata", "UpdateUser", "DeleteUser"];

/// A user of a Google account, a wallet and a phone.
async fn three_sign_ins(server: &TestServer) -> String {
    let id = server.service().create("google-oauth2", "g1").await.id;
    let person = server.person("google-oauth2", "g1");
    for (provider, subject) in [("wallet", "w1"), ("sms", "s1")] {
        person.link(link_with(&server.proof(provider, subject))).await.unwrap();
    }
    id
}

#[tokio::test]
async fn a_caller_whose_identity_is_unlinked_meanwhile_no_longer_writes_to_the_user() {
    for rpc in OWN_WRITES {
        let server = TestServer::start().await;
        let service = server.service();
        let id = three_sign_ins(&server).await;
        server.database.db_linked_long_ago().await;
        // A caller that holds the phone, not the person.
        let elsewhere = server.another().await;
        let phone = elsewhere.caller(&Token::of("sms", "s1").issued_ago(60));
        let request = unlink(&id, "sms", "s1");

        let (unlinked, written) = one_after_the_other(
            &server,
            &id,
            async move { service.unlink(request).await },
            own_write(phone, rpc),
        )
        .await;

        let left = unlinked.unwrap().user.unwrap();
        assert_eq!(refusal(written), "Unauthenticated TOKEN_INVALID", "{rpc}");
        assert_eq!(server.service().user(&id).await, left, "{rpc} wrote to the user");
    }
}

#[tokio::test]
async fn a_caller_who_is_blocked_meanwhile_no_longer_writes() {
    for rpc in OWN_WRITES {
        let server = TestServer::start().await;
        let service = server.service();
        let id = three_sign_ins(&server).await;
        let elsewhere = server.another().await;
        let person = elsewhere.person("google-oauth2", "g1");
        let user_id = id.clone();

        let ((), written) = one_after_the_other(
            &server,
            &id,
            async move { service.block(&user_id, true).await },
            own_write(person, rpc),
        )
        .await;

        assert_eq!(refusal(written), "PermissionDenied USER_BLOCKED", "{rpc}");
    }
}

#[tokio::test]
async fn a_caller_whose_own_user_comes_back_meanwhile_writes_to_that_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let holder = service.create("google-oauth2", "g1").await.id;
    let back = service.create("sms", "s1").await.id;
    service.link(link_user(&holder, &back)).await.unwrap();
    let elsewhere = server.another().await;
    let caller = elsewhere.caller(&Token::of("users", &back).issued_ago(-5));
    let request = unlink(&holder, "sms", "s1");

    let (unlinked, written) = one_after_the_other(
        &server,
        &holder,
        async move { service.unlink(request).await },
        own_write(caller, "Link"),
    )
    .await;

    unlinked.unwrap();
    written.unwrap();
    assert_eq!(identities(&server.service().user(&holder).await), ["google-oauth2|g1"]);
    assert_eq!(identities(&server.service().user(&back).await), ["sms|s1", "github|evil"]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_token_of_a_user_that_comes_back_meanwhile_does_not_prove_its_former_holder() {
    let server = TestServer::start().await;
    let service = server.service();
    let holder = service.create("google-oauth2", "g1").await.id;
    let back = service.create("sms", "s1").await.id;
    let thief = service.create("google-oauth2", "g2").await.id;
    service.link(link_user(&holder, &back)).await.unwrap();
    let request = unlink(&holder, "sms", "s1");
    let token = Token::of("users", &back).issued_ago(-5).sign();
    let elsewhere = server.another().await;
    let person = elsewhere.person("google-oauth2", "g2");

    let (unlinked, linked) = one_after_the_other(
        &server,
        &holder,
        async move { service.unlink(request).await },
        async move { person.link(link_with(&token)).await },
    )
    .await;

    unlinked.unwrap();
    assert_eq!(linked.unwrap().link.unwrap().secondary_user_id, back);
    let service = server.service();
    assert_eq!(
        service.resolved(&[&holder, &back]).await,
        [format!("CURRENT {holder}"), format!("ABSORBED {thief}")]
    );
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_proof_that_is_withdrawn_meanwhile_proves_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let victim = three_sign_ins(&server).await;
    service.create("google-oauth2", "g2").await;
    let stolen = Token::of("google-oauth2", "g1").issued_ago(60).sign();
    let elsewhere = server.another().await;
    let thief = elsewhere.person("google-oauth2", "g2");
    let request = unlink(&victim, "sms", "s1");

    let (unlinked, linked) = one_after_the_other(
        &server,
        &victim,
        async move { service.unlink(request).await },
        async move { thief.link(link_with(&stolen)).await },
    )
    .await;

    unlinked.unwrap();
    assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(server.service().resolved(&[&victim]).await, [format!("CURRENT {victim}")]);
}

#[tokio::test]
async fn an_identity_that_is_unlinked_meanwhile_is_absorbed_with_its_present_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let former = service.create("google-oauth2", "g1").await.id;
    let back = service.create("sms", "s1").await.id;
    let primary = service.create("github", "h1").await.id;
    service.link(link_user(&former, &back)).await.unwrap();
    let (request, link) = (unlink(&former, "sms", "s1"), link_identity(&primary, "sms", "s1"));
    let elsewhere = server.another().await;
    let other = elsewhere.service();

    let (unlinked, linked) = one_after_the_other(
        &server,
        &former,
        async move { service.unlink(request).await },
        async move { other.link(link).await },
    )
    .await;

    unlinked.unwrap();
    let linked = linked.unwrap();
    assert_eq!(
        (linked.outcome(), linked.link.unwrap().secondary_user_id),
        (Outcome::Absorbed, back)
    );
    assert_eq!(identities(&server.service().user(&former).await), ["google-oauth2|g1"]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_a_busy_user_is_refused_with_conflict_retry() {
    let database = cluster::cluster().db_migrated().await;
    let in_a_hurry = format!("{}?options=-c%20lock_timeout%3D20ms", database.url);
    let url = database.url.clone();
    let server = TestServer::start_with(database, |toml| toml.replace(&url, &in_a_hurry)).await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let held = server.database.db_hold(&user.id).await;

    let refused = refusal(service.update_user(block(&user.id, true)).await);

    held.db_release().await;
    assert_eq!(refused, "Aborted CONFLICT_RETRY");
    assert_eq!(service.user(&user.id).await, user);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_user_was_deleted_meanwhile_is_not_attached() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let gone = service.create("sms", "s1").await;
    service.delete(&gone.id).await;
    // As if the deletion had been long ago: the token is younger.
    server
        .database
        .db_execute("UPDATE tombstones SET delete_time = now() - interval '1 hour'")
        .await;
    let held = server.database.db_hold(&google.id).await;
    let (person, token) = (server.person("google-oauth2", "g1"), server.proof("sms", "s1"));
    let linking = tokio::spawn(async move { person.link(link_with(&token)).await });
    server.database.db_until_waiting(1).await;

    server.database.db_execute("UPDATE tombstones SET delete_time = now()").await;
    held.db_release().await;

    assert_eq!(refusal(linking.await.unwrap()), "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(service.user(&google.id).await, google);
}

/// R10, in the order that could go wrong.
#[tokio::test]
async fn a_user_that_loses_the_shared_email_meanwhile_is_not_linked_on_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create_with("google-oauth2", "g1", verified("ann@example.com")).await.id;
    let shared = service.create_with("github", "h1", verified("ann@example.com")).await.id;
    let secondary = service.create("sms", "s1").await.id;
    service.link(link_user(&secondary, &shared)).await.unwrap();
    let demanding =
        pb::LinkRequest { require_shared_verified_email: true, ..link_user(&primary, &secondary) };
    let elsewhere = server.another().await;
    let (request, other) = (unlink(&secondary, "github", "h1"), elsewhere.service());

    let (unlinked, linked) = one_after_the_other(
        &server,
        &secondary,
        async move { service.unlink(request).await },
        async move { other.link(demanding).await },
    )
    .await;

    unlinked.unwrap();
    assert_eq!(refusal(linked), "FailedPrecondition EMAIL_NOT_SHARED");
    let states = server.service().resolved(&[&primary, &shared, &secondary]).await;
    assert_eq!(states, [&primary, &shared, &secondary].map(|id| format!("CURRENT {id}")));
}
