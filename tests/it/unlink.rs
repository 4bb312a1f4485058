//! `Unlink`: which user comes back, and under which id.

use identity_link::grpc::proto as pb;
use serde_json::json as object;

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn the_absorbed_user_comes_back_under_its_own_id() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&Token::of("sms", "s1").sign())).await.unwrap();

    let unlinked = person.unlink(unlink("", "sms", "s1")).await.unwrap();

    assert!(unlinked.restored);
    assert_eq!(unlinked.detached_user.unwrap().id, sms.id);
    assert_eq!(identities(&unlinked.user.unwrap()), ["google-oauth2|g1"]);
    assert_eq!(identities(&service.user(&sms.id).await), ["sms|s1"]);
    assert_eq!(identities(&service.user(&google.id).await), ["google-oauth2|g1"]);
}

#[tokio::test]
async fn the_user_that_comes_back_is_as_it_was() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let created = service.create_with("apple", "s1", |request| {
        let identity = request.identity.as_mut().unwrap();
        identity.profile_data = object(object!({"phone_number": "+1"}));
        identity.connection = "twilio".to_owned();
        (identity.email, identity.email_verified) = ("ann@example.com".to_owned(), true);
        request.user_metadata = object(object!({"lang": "de"}));
        request.app_metadata = object(object!({"plan": "gold"}));
        request.profile_overrides = object(object!({"name": "Ann"}));
    });
    let before = created.await;
    let merging =
        pb::LinkRequest { user_metadata: merge_default(), ..link_user(&google.id, &before.id) };
    let link = service.link(merging).await.unwrap().link.unwrap();

    let unlinked = service.unlink(unlink(&google.id, "apple", "s1")).await.unwrap();

    assert_eq!((unlinked.restored, &unlinked.link_id), (true, &link.id));
    assert_eq!(changes(&unlinked.metadata_changes), "USER /lang REVERSED");
    let after = unlinked.detached_user.unwrap();
    assert_eq!(after, service.user(&before.id).await);
    let expected =
        pb::User { version: before.version + 2, update_time: after.update_time, ..before.clone() };
    assert_eq!(after, expected);
    let left = unlinked.user.unwrap();
    assert_eq!((&left, left.version), (&service.user(&google.id).await, google.version + 2));
    assert_eq!(service.found_by_email("ann@example.com", false).await, [(before.id.clone(), true)]);
    let (google_id, sms_id) = (&google.id, &before.id);
    assert_eq!(
        service.resolved(&[google_id, sms_id]).await,
        [format!("CURRENT {google_id}"), format!("CURRENT {sms_id}")]
    );
    let undone = server.database.db_texts(
        "SELECT concat_ws(' ', id, undo_time = link_time, undo_actor->>'kind') FROM links",
    );
    assert_eq!(undone.await, [format!("{} f service", link.id)]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn of_several_identities_the_last_one_brings_the_user_back() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let created = service.create_with("sms", "s1", |request| {
        request.user_metadata = object(object!({"lang": "de"}));
    });
    let sms = created.await.id;
    for subject in ["h1", "h2"] {
        server.person("sms", "s1").link(link_with(&server.proof("github", subject))).await.unwrap();
    }
    let link = service.link(link_user(&google, &sms)).await.unwrap().link.unwrap();

    let mut new_ids = Vec::new();
    for (provider, subject) in [("sms", "s1"), ("github", "h2")] {
        let unlinked = service.unlink(unlink(&google, provider, subject)).await.unwrap();
        // If a link had attached the identity, that link ends.
        assert_eq!((unlinked.restored, unlinked.link_id.is_empty()), (false, provider == "sms"));
        assert_eq!(unlinked.metadata_changes, []);
        let detached = unlinked.detached_user.unwrap();
        assert_eq!(detached, service.user(&detached.id).await);
        assert_eq!(identities(&detached), [format!("{provider}|{subject}")]);
        assert_eq!(
            (detached.version, &detached.identities[0].origin_user_id),
            (1, &detached.id),
            "its new origin user"
        );
        assert_eq!(
            (json(&detached.user_metadata), json(&detached.app_metadata)),
            (object!({}), object!({}))
        );
        assert_ne!(detached.id, sms);
        new_ids.push(detached.id);
    }
    assert_eq!(
        service.resolved(&[&sms]).await,
        [format!("ABSORBED {google}")],
        "one of its identities is still here"
    );
    server.database.db_assert_invariants().await;

    let unlinked = service.unlink(unlink(&google, "github", "h1")).await.unwrap();
    assert_eq!((unlinked.restored, unlinked.link_id), (true, link.id));
    let back = unlinked.detached_user.unwrap();
    assert_eq!((&back.id, identities(&back)), (&sms, vec!["github|h1".to_owned()]));
    assert_eq!(json(&back.user_metadata), object!({"lang": "de"}));
    server.database.db_assert_invariants().await;

    // A detached user keeps its id when it is linked and unlinked again.
    service.link(link_identity(&google, "sms", "s1")).await.unwrap();
    let unlinked = service.unlink(unlink(&google, "sms", "s1")).await.unwrap();
    assert_eq!((unlinked.restored, unlinked.detached_user.unwrap().id), (true, new_ids.remove(0)));
}

#[tokio::test]
async fn a_chain_comes_apart_in_any_order() {
    let orders = [[("github", "s"), ("sms", "t")], [("sms", "t"), ("github", "s")]];
    for order in orders {
        let server = TestServer::start().await;
        let service = server.service();
        let mut ids = Vec::new();
        for (provider, subject) in [("google-oauth2", "p"), ("github", "s"), ("sms", "t")] {
            let created = service.create_with(provider, subject, |request| {
                request.user_metadata = object(object!({ "of": subject }));
                request.app_metadata = object(object!({ "of": subject }));
            });
            ids.push(created.await);
        }
        service.link(link_user(&ids[1].id, &ids[2].id)).await.unwrap();
        service.link(link_user(&ids[0].id, &ids[1].id)).await.unwrap();

        for (provider, subject) in order {
            let unlinked = service.unlink(unlink(&ids[0].id, provider, subject)).await.unwrap();
            assert!(unlinked.restored, "{provider}");
            server.database.db_assert_invariants().await;
        }

        for before in &ids {
            let after = service.user(&before.id).await;
            assert_eq!((&after.id, identities(&after)), (&before.id, identities(before)));
            assert_eq!(
                (&after.user_metadata, &after.app_metadata),
                (&before.user_metadata, &before.app_metadata)
            );
        }
    }
}

#[tokio::test]
async fn the_deletion_of_a_user_in_the_middle_of_a_chain_ends_no_other_link() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = Vec::new();
    for (provider, subject) in [("google-oauth2", "p"), ("github", "s"), ("sms", "t")] {
        let created = service.create_with(provider, subject, |request| {
            request.user_metadata = object(object!({ subject: "mine" }));
        });
        ids.push(created.await.id);
    }
    let [p, s, t] = ids.try_into().unwrap();
    let token = server.proof("sms", "t");
    let merging = pb::LinkRequest { user_metadata: merge_default(), ..link_with(&token) };
    let link = server.person("github", "s").link(merging).await.unwrap().link.unwrap();
    service.link(link_user(&p, &s)).await.unwrap();
    service.unlink(unlink(&p, "github", "s")).await.unwrap();

    service.delete(&s).await;

    server.database.db_assert_invariants().await;
    let links = server.database.db_texts("SELECT l::text FROM links l").await;
    assert_eq!(links.len(), 2);
    let traces =
        [s.as_str(), "github", "mine"].into_iter().filter(|trace| links.concat().contains(trace));
    assert_eq!(traces.count(), 0, "nothing of the deleted user stays: {links:?}");
    assert_eq!(
        service.resolved(&[&p, &s, &t]).await,
        [format!("CURRENT {p}"), "DELETED ".to_owned(), format!("ABSORBED {p}")]
    );
    let thief = service.create("google-oauth2", "thief").await;
    let replay = pb::LinkRequest { user_id: thief.id, ..link_with(&token) };
    assert_eq!(
        server.db_refused(service.link(replay)).await,
        "FailedPrecondition LINK_TOKEN_INVALID"
    );
    let unlinked = service.unlink(unlink(&p, "sms", "t")).await.unwrap();
    assert_eq!(
        (unlinked.restored, unlinked.link_id, unlinked.detached_user.unwrap().id),
        (true, link.id, t)
    );
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn an_identity_that_a_link_attached_becomes_a_user_of_its_own() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let person = server.person("google-oauth2", "g1");
    let token = Token::of("github", "h1")
        .with("name", "Ann")
        .with("email", "a@example.com")
        .with("email_verified", true);
    let linked = person.link(link_with(&token.sign())).await.unwrap();
    let attached = linked.user.unwrap().identities.remove(1);

    let unlinked = person.unlink(unlink("", "github", "h1")).await.unwrap();

    assert_eq!((unlinked.restored, &unlinked.link_id), (false, &linked.link.as_ref().unwrap().id));
    let detached = unlinked.detached_user.unwrap();
    assert_ne!(detached.id, google.id);
    assert_eq!(json(&detached.profile), object!({"name": "Ann"}));
    let expected = pb::Identity {
        origin_user_id: detached.id.clone(),
        attach_time: Some(detached.create_time.unwrap()),
        ..attached
    };
    assert_eq!(detached.identities, [expected]);
    let ended = server.database.db_texts("SELECT (undo_time IS NOT NULL)::text FROM links").await;
    assert_eq!(
        (linked.link.is_some(), ended),
        (true, vec!["true".to_owned()]),
        "the link that attached it has ended"
    );
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_tenant_that_wants_it_gets_provider_and_subject_as_the_new_id_where_that_is_free() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let google = service.create("google-oauth2", "g1").await.id;
    assert_eq!(google, "google-oauth2|g1");
    let attach = |token: Token| {
        let person = server.caller(&Token::of("google-oauth2", "g1").tenant("joined"));
        let proof = token.tenant("joined").sign();
        async move { person.link(link_with(&proof)).await.unwrap() }
    };
    let detach = |provider: &'static str, subject: &'static str| {
        let (service, request) = (service.clone(), unlink(&google, provider, subject));
        async move { service.unlink(request).await.unwrap().detached_user.unwrap().id }
    };

    attach(Token::of("github", "h1")).await;
    let preview = pb::UnlinkRequest { validate_only: true, ..unlink(&google, "github", "h1") };
    assert_eq!(service.unlink(preview).await.unwrap().detached_user.unwrap().id, "");
    assert_eq!(detach("github", "h1").await, "github|h1");

    // `github|h 2` is no valid user id.
    attach(Token::of("github", "h 2")).await;
    assert!(detach("github", "h 2").await.starts_with("usr_"));

    // The former user has the id: the phone is primary there, and the first identity leaves.
    attach(Token::of("sms", "s1")).await;
    let identity = identity_ref("sms", "s1");
    let set =
        pb::SetPrimaryIdentityRequest { user_id: google.clone(), identity, ..Default::default() };
    service.set_primary_identity(set).await.unwrap();
    assert!(detach("google-oauth2", "g1").await.starts_with("usr_"));
    server.database.db_assert_invariants().await;
}

/// The response without the ids of new users and the times that only the real call can know.
fn timeless(mut answer: pb::UnlinkResponse) -> pb::UnlinkResponse {
    let restored = answer.restored;
    for user in [answer.user.as_mut().unwrap(), answer.detached_user.as_mut().unwrap()] {
        user.update_time = None;
    }
    let detached = answer.detached_user.as_mut().unwrap();
    detached.identities[0].attach_time = None;
    if !restored {
        detached.create_time = None;
        detached.id.clear();
        detached.identities[0].origin_user_id.clear();
    }
    answer
}

#[tokio::test]
async fn a_preview_has_the_whole_response_and_changes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let sms = service.create("sms", "s1").await.id;
    service.link(link_user(&google, &sms)).await.unwrap();
    server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("github", "h1")))
        .await
        .unwrap();

    for (provider, subject, back) in [("sms", "s1", sms.as_str()), ("github", "h1", "")] {
        let request = unlink(&google, provider, subject);
        let preview = pb::UnlinkRequest { validate_only: true, ..request.clone() };
        let previewed = server.db_previewed(service.unlink(preview)).await;
        let unlinked = service.unlink(request).await.unwrap();

        assert_eq!(previewed.detached_user.as_ref().unwrap().id, back);
        assert_eq!(timeless(previewed), timeless(unlinked));
    }
}
