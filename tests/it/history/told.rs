//! The history of a link, as `ListLinks` returns it to services.

use identity_link::grpc::proto::{
    self as pb, actor,
    link_proof::{Proof, Service, Token as TokenProof},
    metadata_merge::{Arrays, Conflict, Strategy},
};
use serde_json::json;

use crate::support::{
    tokens::{Token, iss},
    *,
};

fn service_actor() -> Option<pb::Actor> {
    Some(pb::Actor {
        kind: actor::Kind::Service.into(),
        issuer: iss("services"),
        subject: "backend".to_owned(),
        reason: String::new(),
    })
}

fn user_actor(issuer: &str, id: &str) -> Option<pb::Actor> {
    Some(pb::Actor {
        kind: actor::Kind::User.into(),
        issuer: iss(issuer),
        subject: id.to_owned(),
        reason: String::new(),
    })
}

fn kept() -> Option<pb::MetadataMerge> {
    Some(pb::MetadataMerge { strategy: Strategy::KeepPrimary.into(), ..Default::default() })
}

async fn links(caller: &Caller, user_id: &str) -> Vec<pb::LinkRecord> {
    caller.list_links(links_of(user_id)).await.unwrap().links
}

#[tokio::test]
async fn a_record_contains_all_about_a_link_and_its_undo() {
    let server = TestServer::start().await;
    let service = server.service();
    let with = |metadata| {
        move |request: &mut pb::CreateUserRequest| {
            verified("ann@example.com")(request);
            request.user_metadata = object(metadata);
        }
    };
    let primary =
        service.create_with("google-oauth2", "g1", with(json!({"lang": "en", "a": [1]}))).await;
    let secondary =
        service.create_with("github", "h1", with(json!({"lang": "de", "a": [2], "new": 1}))).await;
    let merge = merge(Conflict::PrimaryWins, Arrays::Union);
    let request = pb::LinkRequest {
        user_metadata: merge,
        require_shared_verified_email: true,
        request_id: "01234567-89AB-4def-8123-456789abcdef".to_owned(),
        ..link_with(&server.proof("github", "h1"))
    };
    let linked = server.person("google-oauth2", "g1").link(request).await.unwrap();
    let made = linked.link.unwrap();
    assert_eq!(
        (made.actor.as_ref(), made.proof.as_ref()),
        (None, None),
        "only ListLinks should return the history"
    );

    let token_hash =
        server.database.db_texts("SELECT encode(proof_hash, 'hex') FROM links").await.remove(0);
    let token_hash = data_encoding::HEXLOWER.decode(token_hash.as_bytes()).unwrap();
    let token = TokenProof { issuer: iss("github"), subject: "h1".to_owned(), token_hash };
    let first = pb::LinkRecord {
        actor: user_actor("google-oauth2", &primary.id),
        proof: Some(pb::LinkProof { proof: Some(Proof::Token(token)) }),
        user_metadata: merge,
        app_metadata: kept(),
        require_shared_verified_email: true,
        metadata_changes: linked.metadata_changes,
        request_id: "01234567-89ab-4def-8123-456789abcdef".to_owned(),
        ..made
    };
    insta::assert_snapshot!(changes(&first.metadata_changes), @r"
    USER /a COMBINED
    USER /lang CONFLICT_PRIMARY
    USER /new ADDED
    ");
    assert_eq!(links(&service, &primary.id).await, std::slice::from_ref(&first));

    service.unlink(unlink(&primary.id, "github", "h1")).await.unwrap();
    let second = service.link(link_user(&primary.id, &secondary.id)).await.unwrap().link.unwrap();

    let history = links(&service, &primary.id).await;
    let undo_time = history[1].undo_time;
    assert!(undo_time.is_some());
    let undone = pb::LinkRecord { undo_time, undo_actor: service_actor(), ..first };
    let word = Service { issuer: iss("services"), subject: "backend".to_owned() };
    let second = pb::LinkRecord {
        actor: service_actor(),
        proof: Some(pb::LinkProof { proof: Some(Proof::Service(word)) }),
        user_metadata: kept(),
        app_metadata: kept(),
        ..second
    };
    assert_eq!(history, [second, undone]);
    assert_eq!(
        links(&service, &secondary.id).await,
        history,
        "both users should have the same history"
    );
}

#[tokio::test]
async fn a_user_between_two_others_has_links_as_secondary_and_as_primary() {
    let server = TestServer::start().await;
    let service = server.service();
    let top = service.create("google-oauth2", "g1").await;
    let middle = service.create("sms", "s1").await;
    let bottom = service.create("github", "h1").await;
    let first = service.link(link_user(&middle.id, &bottom.id)).await.unwrap().link.unwrap().id;
    let second = service.link(link_user(&top.id, &middle.id)).await.unwrap().link.unwrap().id;
    let ids = async |user_id: &str| {
        links(&service, user_id).await.into_iter().map(|link| link.id).collect::<Vec<_>>()
    };

    assert_eq!(ids(&middle.id).await, [second.as_str(), &first]);
    assert_eq!(
        ids(&top.id).await,
        [second.as_str(), &first],
        "the history of absorbed users should be part of the holder's"
    );
    assert_eq!(ids(&bottom.id).await, [first.as_str()]);
    let own = server.person("google-oauth2", "g1").list_links(links_of("")).await.unwrap().links;
    let own: Vec<_> = own
        .iter()
        .map(|link| (link.primary_user_id.as_str(), link.secondary_user_id.as_str()))
        .collect();
    assert_eq!(
        own,
        [(top.id.as_str(), middle.id.as_str()), (middle.id.as_str(), bottom.id.as_str())]
    );

    // A restored user takes its own history along.
    service
        .undo_link(pb::UndoLinkRequest { link_id: second.clone(), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(ids(&top.id).await, [second.as_str()]);
    assert_eq!(ids(&middle.id).await, [second, first]);
}

#[tokio::test]
async fn an_attached_and_unlinked_identity_is_in_the_history_of_both_users() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&server.proof("sms", "new"))).await.unwrap();
    assert_eq!(links(&service, &user.id).await[0].secondary_user_id, "");

    let left = person.unlink(unlink("", "sms", "new")).await.unwrap().detached_user.unwrap();

    let history = links(&service, &user.id).await;
    assert_eq!((history.len(), history[0].secondary_user_id.as_str()), (1, left.id.as_str()));
    assert_eq!(history[0].undo_actor, user_actor("google-oauth2", &user.id));
    assert_eq!(history[0].moved_identities, [identity_ref("sms", "new").unwrap()]);
    assert_eq!(links(&service, &left.id).await, history);
}

/// What an unmerge needs is rewritten when an earlier link is undone; the recorded changes are not.
#[tokio::test]
async fn the_changes_of_a_merge_stay_as_they_were_recorded() {
    let server = TestServer::start().await;
    let service = server.service();
    let with = |lang: &str| {
        let metadata = object(json!({ "lang": lang }));
        move |request: &mut pb::CreateUserRequest| request.user_metadata = metadata
    };
    let primary = service.create("google-oauth2", "g1").await.id;
    let first = service.create_with("sms", "s1", with("en")).await.id;
    let second = service.create_with("github", "h1", with("de")).await.id;
    for secondary in [&first, &second] {
        let user_metadata = merge(Conflict::SecondaryWins, Arrays::Union);
        service
            .link(pb::LinkRequest { user_metadata, ..link_user(&primary, secondary) })
            .await
            .unwrap();
    }
    service.unlink(unlink(&primary, "sms", "s1")).await.unwrap();
    service.unlink(unlink(&primary, "github", "h1")).await.unwrap();

    let history = links(&service, &primary).await;

    let told: Vec<String> = history.iter().map(|link| changes(&link.metadata_changes)).collect();
    assert_eq!(told, ["USER /lang CONFLICT_SECONDARY", "USER /lang ADDED"]);
}

#[tokio::test]
async fn a_link_record_keeps_nothing_of_a_deleted_secondary_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let metadata =
        |request: &mut pb::CreateUserRequest| request.user_metadata = object(json!({"k": 1}));
    let primary = service.create("google-oauth2", "g1").await.id;
    service.create_with("sms", "s1", metadata).await;
    let request =
        pb::LinkRequest { user_metadata: merge_default(), ..link_with(&server.proof("sms", "s1")) };
    let made = server.person("google-oauth2", "g1").link(request).await.unwrap().link.unwrap();
    service.unlink(unlink(&primary, "sms", "s1")).await.unwrap();
    service.delete(&made.secondary_user_id).await;

    let link = links(&service, &primary).await.remove(0);

    assert!(link.secondary_user_id.starts_with("deleted:"), "{link:?}");
    assert_eq!((link.moved_identities, link.metadata_changes), (vec![], vec![]));
    assert_eq!(link.proof.unwrap().proof.unwrap(), Proof::Token(TokenProof::default()));
    assert_eq!(
        (link.actor, link.undo_actor),
        (user_actor("google-oauth2", &primary), service_actor())
    );
    let deleted = service.list_links(links_of(&made.secondary_user_id)).await;
    assert_eq!(refusal(deleted), "NotFound USER_NOT_FOUND");
}

#[tokio::test]
async fn the_changes_of_a_merge_are_deleted_with_the_primary_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await.id;
    let metadata =
        |request: &mut pb::CreateUserRequest| request.user_metadata = object(json!({"k": 1}));
    let secondary = service.create_with("sms", "s1", metadata).await.id;
    let request =
        pb::LinkRequest { user_metadata: merge_default(), ..link_with(&server.proof("sms", "s1")) };
    server.person("google-oauth2", "g1").link(request).await.unwrap();
    service.unlink(unlink(&primary, "sms", "s1")).await.unwrap();
    service.delete(&primary).await;

    let link = links(&service, &secondary).await.remove(0);

    assert!(link.primary_user_id.starts_with("deleted:"), "{link:?}");
    assert_eq!(link.metadata_changes, []);
    assert_eq!(
        link.actor,
        Some(pb::Actor { kind: actor::Kind::User.into(), ..Default::default() })
    );
    // The secondary user's own proof stays.
    let Some(Proof::Token(proof)) = link.proof.unwrap().proof else {
        panic!("the proof should be a token")
    };
    assert_eq!((proof.subject.as_str(), proof.token_hash.len()), ("s1", 32));
}

#[tokio::test]
async fn a_standing_link_ends_when_its_secondary_user_is_deleted_with_another_holder() {
    let server = TestServer::start().await;
    let service = server.service();
    let first = service.create("google-oauth2", "g1").await.id;
    let second = service.create("sms", "s1").await.id;
    let third = service.create("github", "h1").await.id;
    service.link(link_user(&second, &third)).await.unwrap();
    service.link(link_user(&first, &second)).await.unwrap();
    // The second user comes back; the third one, which it had absorbed, stays with the first.
    service.unlink(unlink(&first, "sms", "s1")).await.unwrap();
    service.delete(&first).await;

    let link = links(&service, &second)
        .await
        .into_iter()
        .find(|link| link.primary_user_id == second)
        .unwrap();

    assert_eq!(
        link.undo_actor,
        Some(pb::Actor { kind: actor::Kind::Deletion.into(), ..Default::default() })
    );
    assert!(link.undo_time.is_some());
}

#[tokio::test]
async fn the_history_of_unknown_users_and_of_other_tenants_is_not_found() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await.id;
    let other = server.caller(&Token::of("services", "backend").tenant("other"));

    assert_eq!(
        service.list_links(links_of(&user)).await.unwrap(),
        pb::ListLinksResponse::default()
    );
    assert_eq!(
        refusal(service.list_links(links_of("usr_nobody")).await),
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(refusal(other.list_links(links_of(&user)).await), "NotFound USER_NOT_FOUND");
    let unnamed = refusal(service.list_links(links_of("")).await);
    assert_eq!(
        unnamed,
        "InvalidArgument REQUEST_INVALID\nuser_id: is required: a service has no user of its own"
    );
}
