//! The same request gets the same response, and another request does not get it.

use super::*;
use crate::support::cluster::cluster;

#[tokio::test]
async fn the_same_request_gets_the_same_response_and_changes_nothing_again() {
    for rpc in WRITES {
        let server = TestServer::start().await;
        let (people, service) = (people(&server).await, server.service());
        let first = write(&service, &people, rpc, ID, Terms::default()).await.unwrap();
        let after = server.database.db_everything().await;

        let second = write(&service, &people, rpc, ID, Terms::default()).await.unwrap();
        let in_capitals =
            write(&service, &people, rpc, &ID.to_uppercase(), Terms::default()).await.unwrap();

        assert_eq!((&second, &in_capitals), (&first, &first), "{rpc}");
        assert_eq!(server.database.db_everything().await, after, "{rpc}");
    }
}

#[tokio::test]
async fn a_stored_response_stays_as_it_was_after_later_changes() {
    let server = TestServer::start().await;
    let (people, service) = (people(&server).await, server.service());
    let nothing_to_do = || pb::LinkRequest {
        request_id: ID.to_owned(),
        ..link_identity(&people.first, "sms", "s1")
    };
    let first = service.link(nothing_to_do()).await.unwrap();
    assert_eq!(first.outcome(), pb::link_response::Outcome::AlreadyLinked);
    service.unlink(unlink(&people.first, "sms", "s1")).await.unwrap();
    let after = server.database.db_everything().await;

    // This retry comes late: it must not link what was unlinked since.
    assert_eq!(service.link(nothing_to_do()).await.unwrap(), first);

    assert_eq!(server.database.db_everything().await, after);
}

/// The response says what the call did. A caller reads the user to know what holds now.
#[tokio::test]
async fn a_repeated_link_that_was_undone_gets_a_response_that_no_longer_holds() {
    let server = TestServer::start().await;
    let service = server.service();
    let (first, second) = (service.create("github", "1").await, service.create("sms", "2").await);
    let link = || pb::LinkRequest { request_id: ID.to_owned(), ..link_user(&first.id, &second.id) };
    let linked = service.link(link()).await.unwrap();
    let link_id = linked.link.as_ref().unwrap().id.clone();
    let undo = pb::UndoLinkRequest { link_id, ..Default::default() };
    service.undo_link(undo).await.unwrap();

    let repeated = service.link(link()).await.unwrap();

    assert_eq!(repeated, linked);
    assert_eq!(repeated.user.unwrap().identities.len(), 2);
    assert_eq!(service.user(&first.id).await.identities.len(), 1);
    assert_eq!(service.user(&second.id).await.id, second.id);
}

/// P12: one id, two bodies.
#[tokio::test]
async fn another_request_under_the_id_is_refused() {
    for rpc in WRITES {
        let server = TestServer::start().await;
        let (people, service) = (people(&server).await, server.service());
        write(&service, &people, rpc, ID, Terms::default()).await.unwrap();

        let other = Terms { other: true, ..Terms::default() };
        let refused = server.db_refused(write(&service, &people, rpc, ID, other)).await;

        assert_eq!(refused, "InvalidArgument REQUEST_ID_REUSED", "{rpc}");
    }
}

/// Protocol Buffers leave the order of a map to the encoder.
#[tokio::test]
async fn the_same_request_with_its_maps_in_another_order_is_the_same() {
    use prost::Message as _;
    let server = TestServer::start().await;
    let authorization = format!("Bearer {}", server.proof("services", "backend"));
    let create = |first: &str, second: &str| {
        let identity =
            pb::NewIdentity { identity_ref: identity_ref("github", "h1"), ..Default::default() };
        let one = |key: &str| pb::CreateUserRequest {
            user_metadata: object(value!({ key: key })),
            ..Default::default()
        };
        let rest = pb::CreateUserRequest {
            identity: Some(identity),
            request_id: ID.to_owned(),
            ..Default::default()
        };
        // A message that comes in two parts is merged (Encoding, "Last One Wins").
        [one(first), one(second), rest].map(|part| part.encode_to_vec()).concat()
    };
    let path = "/identitylink.v1.IdentityService/CreateUser";
    let metadata = [("authorization", authorization.as_str())];
    let first = server.raw(path, &metadata, &create("a", "b")).await.unwrap();

    assert_eq!(server.raw(path, &metadata, &create("b", "a")).await.unwrap(), first);

    let other = server.raw(path, &metadata, &create("b", "c")).await;
    assert_eq!(refusal(other), "InvalidArgument REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_link_gets_its_stored_response_after_its_proof_no_longer_holds() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_on(database.clone()).await;
    server.service().create("google-oauth2", "g1").await;
    let token = tokens::Token::of("github", "h1").issued_ago(120).sign();
    let link = |id: &str| pb::LinkRequest { request_id: id.to_owned(), ..link_with(&token) };
    let first = server.person("google-oauth2", "g1").link(link(ID)).await.unwrap();
    // A lower limit, so that the test does not wait until the token is too old.
    let strict = TestServer::start_with(database, |toml| {
        let strict =
            toml.replace("[issuers.github]", "[issuers.github]\nlink_with.max_age = \"1m\"");
        assert_ne!(strict, toml);
        strict
    })
    .await;
    let person = strict.person("google-oauth2", "g1");

    assert_eq!(person.link(link(ID)).await.unwrap(), first);

    let another = "00000000-0000-4000-8000-000000000001";
    for id in ["", another] {
        assert_eq!(
            strict.db_refused(person.link(link(id))).await,
            "FailedPrecondition LINK_TOKEN_INVALID"
        );
    }
    let other = pb::LinkRequest { user_metadata: merge_default(), ..link(ID) };
    assert_eq!(strict.db_refused(person.link(other)).await, "InvalidArgument REQUEST_ID_REUSED");
}

#[tokio::test]
async fn after_a_day_a_request_id_is_as_good_as_new() {
    let server = TestServer::start().await;
    let (people, service) = (people(&server).await, server.service());
    write(&service, &people, "UpdateUser", ID, Terms::default()).await.unwrap();
    let hours_left =
        "SELECT round(extract(epoch FROM expire_time - now()) / 3600)::text FROM request_ids";
    assert_eq!(server.database.db_texts(hours_left).await, ["24"]);
    server.database.db_execute("UPDATE request_ids SET expire_time = now()").await;
    let other = Terms { other: true, ..Terms::default() };

    let second = write(&service, &people, "UpdateUser", ID, other).await.unwrap();

    assert_eq!(write(&service, &people, "UpdateUser", ID, other).await.unwrap(), second);
    assert_eq!(json(&service.user(&people.first).await.user_metadata), value!({"list": ["other"]}));
    assert_eq!(server.database.db_texts(hours_left).await, ["24"]);
}
