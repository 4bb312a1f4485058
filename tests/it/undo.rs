//! `UndoLink`: ends a link as a whole.

use identity_link::grpc::proto::{self as pb, UnlinkMetadata, metadata_merge as mm};
use serde_json::json as object;

use crate::support::{tokens::Token, *};

fn undo(link_id: &str) -> pb::UndoLinkRequest {
    pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() }
}

/// A service links the two users with a merge in which the secondary's metadata wins. Returns the
/// link's id.
async fn absorb(server: &TestServer, primary: &str, secondary: &str) -> String {
    let all = merge(mm::Conflict::SecondaryWins, mm::Arrays::Concatenate);
    let request =
        pb::LinkRequest { user_metadata: all, app_metadata: all, ..link_user(primary, secondary) };
    server.service().link(request).await.unwrap().link.unwrap().id
}

async fn user(server: &TestServer, provider: &str, metadata: serde_json::Value) -> String {
    let service = server.service();
    service
        .create_with(provider, provider, |request| request.user_metadata = object(metadata))
        .await
        .id
}

#[tokio::test]
async fn everything_that_the_link_brought_is_given_back() {
    let server = TestServer::start().await;
    let service = server.service();
    let p = user(&server, "google-oauth2", object!({"theme": "dark"})).await;
    let s = user(&server, "sms", object!({"theme": "light"})).await;
    let t = user(&server, "github", object!({"lang": "de"})).await;
    let inner = absorb(&server, &s, &t).await;
    let before = service.user(&s).await;
    let outer = absorb(&server, &p, &s).await;
    let request = undo(&outer);

    let preview = service
        .undo_link(pb::UndoLinkRequest { validate_only: true, ..request.clone() })
        .await
        .unwrap();
    assert_eq!(service.user(&s).await.id, p, "a preview changes nothing");
    let undone = service.undo_link(request.clone()).await.unwrap();

    assert_eq!(preview.metadata_changes, undone.metadata_changes);
    assert_eq!(changes(&undone.metadata_changes), "USER /lang REVERSED\nUSER /theme REVERSED");
    let restored = undone.restored_user.unwrap();
    let expected = pb::User {
        version: before.version + 2,
        update_time: restored.update_time,
        ..before.clone()
    };
    assert_eq!(restored, expected, "S is as it was, with T's identity and metadata");
    assert_eq!(restored, service.user(&s).await);
    assert_eq!(identities(&undone.user.unwrap()), ["google-oauth2|google-oauth2"]);
    assert_eq!(json(&service.user(&p).await.user_metadata), object!({"theme": "dark"}));
    assert_eq!(
        service.resolved(&[&p, &s, &t]).await,
        [format!("CURRENT {p}"), format!("CURRENT {s}"), format!("ABSORBED {s}")]
    );
    assert!(undone.link.unwrap().undo_time.is_some());
    server.database.db_assert_invariants().await;

    // The same request again gets the same response, and nothing changes.
    let everything = server.database.db_everything().await;
    let again = service.undo_link(request).await.unwrap();
    assert_eq!(again.restored_user.as_ref(), Some(&restored));
    assert_eq!(again.metadata_changes, []);
    assert_eq!(server.database.db_everything().await, everything);

    // The undo of the inner link takes T from S.
    service.undo_link(undo(&inner)).await.unwrap();
    assert_eq!(json(&service.user(&s).await.user_metadata), object!({"theme": "light"}));
    assert_eq!(json(&service.user(&t).await.user_metadata), object!({"lang": "de"}));
    server.database.db_assert_invariants().await;
}

/// The inner link of a chain: T leaves P, and S, which had brought T, stays.
#[tokio::test]
async fn the_inner_link_of_a_chain_can_be_undone_first() {
    let server = TestServer::start().await;
    let service = server.service();
    let p = user(&server, "google-oauth2", object!({})).await;
    let s = user(&server, "sms", object!({"own": 1})).await;
    let t = user(&server, "github", object!({"lang": "de"})).await;
    let inner = absorb(&server, &s, &t).await;
    let outer = absorb(&server, &p, &s).await;

    let undone = service.undo_link(undo(&inner)).await.unwrap();
    assert_eq!(undone.user.unwrap().id, p);
    assert_eq!(undone.restored_user.unwrap().id, t);
    assert_eq!(json(&service.user(&p).await.user_metadata), object!({"own": 1}));

    service.undo_link(undo(&outer)).await.unwrap();
    for (id, metadata) in
        [(&p, object!({})), (&s, object!({"own": 1})), (&t, object!({"lang": "de"}))]
    {
        assert_eq!(json(&service.user(id).await.user_metadata), metadata);
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn an_attached_identity_becomes_a_user_of_its_own() {
    let server = TestServer::start().await;
    let google = server.service().create("google-oauth2", "g1").await.id;
    let person = server.person("google-oauth2", "g1");
    let link = person.link(link_with(&server.proof("sms", "s1"))).await.unwrap().link.unwrap().id;

    let preview = pb::UndoLinkRequest { validate_only: true, ..undo(&link) };
    assert_eq!(person.undo_link(preview).await.unwrap().restored_user.unwrap().id, "");
    let undone = person.undo_link(undo(&link)).await.unwrap();

    let own = undone.restored_user.unwrap();
    assert_eq!(identities(&own), ["sms|s1"]);
    assert_eq!(server.person("sms", "s1").user("").await.id, own.id);
    assert_eq!(undone.link.unwrap().secondary_user_id, own.id);
    assert_eq!(identities(&server.service().user(&google).await), ["google-oauth2|g1"]);
    assert!(person.undo_link(undo(&link)).await.unwrap().link.unwrap().undo_time.is_some());
}

/// The user that left may be another person's by now, and may be linked with further users.
#[tokio::test]
async fn a_person_who_repeats_an_undo_sees_nothing_of_the_user_that_left() {
    let server = TestServer::start().await;
    let service = server.service();
    user(&server, "google-oauth2", object!({})).await;
    let s = user(&server, "sms", object!({})).await;
    let person = server.person("google-oauth2", "google-oauth2");
    let link = person.link(link_with(&server.proof("sms", "sms"))).await.unwrap().link.unwrap().id;
    person.undo_link(undo(&link)).await.unwrap();
    server.person("sms", "sms").link(link_with(&server.proof("github", "a secret"))).await.unwrap();

    let again = person.undo_link(undo(&link)).await.unwrap();

    let told = format!("{again:?}");
    assert!(!told.contains("a secret") && !told.contains(&s), "{told}");
    assert_eq!((again.restored_user, again.link.unwrap().id), (None, link.clone()));
    // A service sees that user as it is now.
    let restored = service.undo_link(undo(&link)).await.unwrap().restored_user.unwrap();
    assert_eq!(identities(&restored), ["sms|sms", "github|a secret"]);
}

/// A person undoes the links of its own user. For a person no other links exist.
#[tokio::test]
async fn a_link_of_other_users_is_not_found() {
    let server = TestServer::start().await;
    let service = server.service();
    let p = user(&server, "google-oauth2", object!({})).await;
    let s = user(&server, "sms", object!({"lang": "de"})).await;
    let other = user(&server, "github", object!({})).await;
    let link = absorb(&server, &p, &s).await;

    let stranger = server.person("github", "github");
    assert_eq!(server.db_refused(stranger.undo_link(undo(&link))).await, "NotFound LINK_NOT_FOUND");
    let elsewhere = server.caller(&Token::of("services", "backend").tenant("other"));
    assert_eq!(
        server.db_refused(elsewhere.undo_link(undo(&link))).await,
        "NotFound LINK_NOT_FOUND"
    );
    let unknown = undo("01234567-89ab-4def-8123-456789abcdef");
    assert_eq!(server.db_refused(service.undo_link(unknown)).await, "NotFound LINK_NOT_FOUND");
    let tired = server.caller(&Token::of("google-oauth2", "google-oauth2").issued_ago(700));
    assert_eq!(
        server.db_refused(tired.undo_link(undo(&link))).await,
        "PermissionDenied REAUTHENTICATION_REQUIRED"
    );

    // A blocked caller does not learn either whether a link exists.
    service.update_user(block(&other, true)).await.unwrap();
    for id in [link.as_str(), "01234567-89ab-4def-8123-456789abcdef"] {
        assert_eq!(
            server.db_refused(stranger.undo_link(undo(id))).await,
            "PermissionDenied USER_BLOCKED"
        );
    }
    service.update_user(block(&other, false)).await.unwrap();

    let undone =
        server.person("google-oauth2", "google-oauth2").undo_link(undo(&link)).await.unwrap();
    let told = undone.restored_user.unwrap();
    assert_eq!(
        (told.id.as_str(), json(&told.user_metadata)),
        (s.as_str(), object!({})),
        "it has not proved that user"
    );
    assert_eq!(json(&service.user(&s).await.user_metadata), object!({"lang": "de"}));
    // After the undo it is no link of the stranger's either.
    assert_eq!(server.db_refused(stranger.undo_link(undo(&link))).await, "NotFound LINK_NOT_FOUND");
}

#[tokio::test]
async fn an_undo_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let sms = service.create("sms", "s1").await.id;
    let link = service.link(link_user(&google, &sms)).await.unwrap().link.unwrap().id;

    let primary = |provider: &str, subject: &str| pb::SetPrimaryIdentityRequest {
        user_id: google.clone(),
        identity: identity_ref(provider, subject),
        ..Default::default()
    };
    service.set_primary_identity(primary("sms", "s1")).await.unwrap();
    insta::assert_snapshot!(server.db_refused(service.undo_link(undo(&link))).await, @"FailedPrecondition LINK_NOT_UNDOABLE");
    service.set_primary_identity(primary("google-oauth2", "g1")).await.unwrap();

    let stale = pb::UndoLinkRequest { expected_version: Some(1), ..undo(&link) };
    assert_eq!(server.db_refused(service.undo_link(stale)).await, "Aborted VERSION_MISMATCH");
    service.update_user(block(&google, true)).await.unwrap();
    assert_eq!(
        server.db_refused(service.undo_link(undo(&link))).await,
        "FailedPrecondition USER_BLOCKED"
    );
    service.update_user(block(&google, false)).await.unwrap();
    service.undo_link(undo(&link)).await.unwrap();
}

/// The absorbed user would come back without an identity of its own.
#[tokio::test]
async fn the_last_identity_of_an_absorbed_user_is_not_taken_from_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let sms = service.create("sms", "s1").await.id;
    let attached =
        server.person("sms", "s1").link(link_with(&server.proof("github", "h1"))).await.unwrap();
    let attached = attached.link.unwrap().id;
    let google = service.create("google-oauth2", "g1").await.id;
    let brought = service.link(link_user(&google, &sms)).await.unwrap().link.unwrap().id;
    service.unlink(unlink(&google, "sms", "s1")).await.unwrap();

    let refused = server.db_refused(service.undo_link(undo(&attached))).await;
    assert_eq!(refused, "FailedPrecondition LINK_NOT_UNDOABLE");

    let restored = service.undo_link(undo(&brought)).await.unwrap().restored_user.unwrap();
    assert_eq!(
        (restored.id.as_str(), identities(&restored)),
        (sms.as_str(), vec!["github|h1".to_owned()])
    );
    assert_eq!(
        server.db_refused(service.undo_link(undo(&attached))).await,
        "FailedPrecondition LAST_IDENTITY"
    );
}

/// Tokens from before the undo are refused for both users, as after an unlink.
#[tokio::test]
async fn older_tokens_are_withdrawn() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let sms = service.create("sms", "s1").await.id;
    let link = service.link(link_user(&google, &sms)).await.unwrap().link.unwrap().id;

    service.undo_link(undo(&link)).await.unwrap();

    for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1")] {
        let old = server.caller(&Token::of(provider, subject).issued_ago(5));
        assert_eq!(
            refusal(old.get_user(pb::GetUserRequest::default()).await),
            "Unauthenticated TOKEN_INVALID"
        );
        server.person(provider, subject).user("").await;
    }
}

#[tokio::test]
async fn a_user_whose_metadata_is_discarded_comes_back_without_it() {
    let server = TestServer::start().await;
    let p = user(&server, "google-oauth2", object!({})).await;
    let s = user(&server, "sms", object!({"lang": "de"})).await;
    let link = absorb(&server, &p, &s).await;

    let request = pb::UndoLinkRequest { metadata: UnlinkMetadata::Discard.into(), ..undo(&link) };
    let undone = server.service().undo_link(request).await.unwrap();

    assert_eq!(changes(&undone.metadata_changes), "USER  WITHHELD");
    assert_eq!(json(&server.service().user(&p).await.user_metadata), object!({"lang": "de"}));
    assert_eq!(json(&server.service().user(&s).await.user_metadata), object!({}));
}
