//! What the store does for an import: look-ups of names, rows, progress, and the event.

use identity_link::{
    domain::{TenantId, UserId},
    grpc::proto::{self as pb, event::Detail},
    store::{StoreError, StoredName},
};

use crate::support::{
    events::{Watcher, events, line, list_from, watch_from},
    imports::{ImportStore, imported, outcome, with_aliases},
    *,
};

fn name(holder: Option<&str>, was_deleted: bool) -> StoredName {
    StoredName { holder: holder.map(|id| UserId::parse(id).unwrap()), was_deleted }
}

#[tokio::test]
async fn an_imported_user_is_a_user_with_its_accounts_in_their_order() {
    let server = TestServer::start().await;
    let store = ImportStore::open(&server.database).await;
    let mut ann = imported("auth0|ann", &["sms|s1", "google-oauth2|g1", "github|h1"]);
    ann.user.blocked = true;
    ann.user.version = 1;
    let bob = imported("bob", &["github|h2"]);

    store.import(&[bob, ann]).await.unwrap();

    let service = server.service();
    let ann = service.user("auth0|ann").await;
    assert_eq!(identities(&ann), ["sms|s1", "google-oauth2|g1", "github|h1"]);
    assert!(ann.blocked && ann.version == 1);
    assert_eq!(service.owner("github", "h1").await, "auth0|ann");
    assert_eq!(service.owner("github", "h2").await, "bob");
    // It is a user like any other.
    service.link(link_user("bob", &service.create("p", "p1").await.id)).await.unwrap();
    service.unlink(unlink("auth0|ann", "github", "h1")).await.unwrap_err();
    service.block("auth0|ann", false).await;
    service.unlink(unlink("auth0|ann", "github", "h1")).await.unwrap();
    server.person("google-oauth2", "g1").user("").await;
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn names_are_looked_up_in_all_their_states() {
    let server = TestServer::start().await;
    let (service, store) = (server.service(), ImportStore::open(&server.database).await);
    let ann = with_aliases(imported("ann", &["google-oauth2|g1"]), &["old"]);
    store.import(&[ann, imported("gone", &["github|gone"])]).await.unwrap();
    let bob = service.create("sms", "s1").await.id;
    service.link(link_user(&bob, "ann")).await.unwrap();
    service.delete_user(delete("gone")).await.unwrap();
    service.link(link_identity_of_new(&service, &bob).await).await.unwrap();
    service.unlink(release(&bob, "github", "released")).await.unwrap();

    let asked = [
        with_aliases(imported("new", &["github|new", "google-oauth2|g1"]), &["old", "gone"]),
        with_aliases(imported("gone", &["github|gone", "github|released"]), &[]),
        with_aliases(imported("ann", &["sms|s1"]), &["new2", &bob]),
    ];
    let found =
        store.session().await.stored_names(&asked.iter().collect::<Vec<_>>()).await.unwrap();

    let bob = bob.as_str();
    assert_eq!(found[0].id, name(None, false));
    assert_eq!(found[0].aliases, [name(Some(bob), false), name(None, true)]);
    assert_eq!(found[0].identities, [name(None, false), name(Some(bob), false)]);
    assert_eq!(found[1].id, name(None, true));
    assert_eq!(found[1].aliases, []);
    assert_eq!(found[1].identities, [name(None, true), name(None, false)]);
    assert_eq!(found[2].id, name(Some(bob), false));
    assert_eq!(found[2].aliases, [name(None, false), name(Some(bob), false)]);
    assert_eq!(found[2].identities, [name(Some(bob), false)]);
    assert_eq!(store.session().await.stored_names(&[]).await.unwrap(), []);
}

/// A user of `github|released`, for a link to `primary`.
async fn link_identity_of_new(service: &Caller, primary: &str) -> pb::LinkRequest {
    let other = service.create("github", "released").await.id;
    link_user(primary, &other)
}

/// A95: a taken or deleted name takes the whole batch back, and leaves no trace of it.
#[tokio::test]
async fn a_batch_with_a_taken_or_deleted_name_stores_nothing() {
    let server = TestServer::start().await;
    let (service, store) = (server.service(), ImportStore::open(&server.database).await);
    let there = with_aliases(imported("there", &["google-oauth2|g1"]), &["alias"]);
    let gone = with_aliases(imported("gone", &["github|gone"]), &["gone_alias"]);
    store.import(&[there, gone]).await.unwrap();
    service.delete_user(delete("gone")).await.unwrap();
    let before = server.database.db_everything().await;

    let (id, account) =
        ("an id or alias of an import is taken", "an account of an import belongs to a user");
    let deleted = "a name of an import was deleted";
    for (user, why) in [
        (imported("there", &["github|new"]), id),
        (imported("alias", &["github|new"]), id),
        (with_aliases(imported("new", &["github|new"]), &["there"]), id),
        (with_aliases(imported("new", &["github|new"]), &["alias"]), id),
        (imported("new", &["github|new", "google-oauth2|g1"]), account),
        (imported("gone", &["github|new"]), deleted),
        (imported("gone_alias", &["github|new"]), deleted),
        (imported("new", &["github|new", "github|gone"]), deleted),
        (with_aliases(imported("new", &["github|new"]), &["gone"]), deleted),
    ] {
        let batch = [imported("first", &["github|first"]), user, imported("z", &["github|z"])];
        assert_eq!(outcome(store.import(&batch).await), why, "{batch:?}");
        assert_eq!(server.database.db_everything().await, before);
    }
    store.import(&[imported("first", &["github|first"])]).await.unwrap();
    server.database.db_assert_invariants().await;
}

/// A released account belongs to no user: an import may bring its user.
#[tokio::test]
async fn a_released_account_is_imported() {
    let server = TestServer::start().await;
    let (service, store) = (server.service(), ImportStore::open(&server.database).await);
    let bob = service.create("sms", "s1").await.id;
    service.link(link_identity_of_new(&service, &bob).await).await.unwrap();
    service.unlink(release(&bob, "github", "released")).await.unwrap();

    store.import(&[imported("ann", &["github|released"])]).await.unwrap();

    assert_eq!(service.owner("github", "released").await, "ann");
    server.database.db_assert_nothing_wrong().await;
}

#[tokio::test]
async fn a_run_only_moves_on_and_ends_once() {
    let server = TestServer::start().await;
    let store = ImportStore::open(&server.database).await;
    let (mut run, one) = (store.begun(1), imported("one", &["github|1"]));
    assert_eq!(store.session().await.import_run(run.id).await.unwrap(), None);
    store.import_as(&run, &[one]).await.unwrap();
    let stored = store.session().await.import_run(run.id).await.unwrap().unwrap();
    assert_eq!((stored.rows, stored.created, stored.end_time), (1, 1, None));

    // Another process settled these rows meanwhile.
    let again = outcome(store.import_as(&run, &[imported("two", &["github|2"])]).await);
    assert_eq!(again, "another process runs this import");
    assert_eq!(server.database.db_texts("SELECT id FROM users").await, ["one"]);

    (run.rows, run.refused, run.report_bytes) = (3, 2, 99);
    store.import_as(&run, &[imported("two", &["github|2"])]).await.unwrap();
    run.end_time = Some(run.update_time);
    store.import_as(&run, &[]).await.unwrap();
    assert!(store.session().await.import_run(run.id).await.unwrap().unwrap().end_time.is_some());
    run.rows = 4;
    run.created = 2;
    let late = outcome(store.import_as(&run, &[imported("three", &["github|3"])]).await);
    assert_eq!(late, "another process runs this import");

    run.id = uuid::Uuid::new_v4();
    run.created = 1;
    let wrong = store.import_as(&run, &[]).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Fault(_)), "the sum of the outcomes: {wrong}");
}

#[tokio::test]
async fn the_feed_has_one_event_for_each_batch_and_none_for_a_user() {
    let server = TestServer::start_feed().await;
    let (service, store) = (server.service(), ImportStore::open(&server.database).await);
    let mut watcher = Watcher::begin(&service, watch_from(pb::FeedEnd::Newest)).await;
    let run = store.begun(2);
    let users = [imported("ann", &["github|1"]), imported("bob", &["github|2"])];
    store.import_as(&run, &users).await.unwrap();
    service.block("ann", true).await;

    let seen = watcher.events(2).await;

    assert_eq!(seen, events(&service, 2).await);
    let actor = seen[0].actor.clone().unwrap();
    assert_eq!(actor.kind().as_str_name(), "KIND_OPERATOR");
    assert_eq!((actor.issuer.as_str(), actor.subject.as_str()), ("", ""));
    let Some(Detail::UsersImported(event)) = &seen[0].detail else { panic!("{seen:?}") };
    assert_eq!((event.run_id.as_str(), event.user_count), (run.id.to_string().as_str(), 2));
    let list = |change: fn(&mut pb::ListEventsRequest)| {
        let mut request = list_from(pb::FeedEnd::Oldest);
        change(&mut request);
        let service = service.clone();
        async move {
            let events = service.list_events(request).await.unwrap().events;
            events.iter().map(line).collect::<Vec<_>>()
        }
    };
    let kinds = list(|request| request.kinds = vec![pb::EventKind::UsersImported.into()]).await;
    assert_eq!(kinds, ["imported 2"]);
    let of_ann = list(|request| request.user_id = "ann".to_owned()).await;
    assert_eq!(of_ann, ["blocked=true ann 1>2"]);
    // A batch that created no user has no event.
    store.import(&[]).await.unwrap();
    assert_eq!(list(|_| {}).await.len(), 2);
}

/// A tenant's import is no other tenant's.
#[tokio::test]
async fn an_import_belongs_to_one_tenant() {
    let server = TestServer::start().await;
    let store = ImportStore::open(&server.database).await;
    let run = store.begun(1);
    store.import_as(&run, &[imported("ann", &["github|1"])]).await.unwrap();

    let other = TenantId::parse("other").unwrap();
    let mut session = store.session_of(&other).await;
    assert_eq!(session.import_run(run.id).await.unwrap(), None);
    let found = session.stored_names(&[&imported("ann", &["github|1"])]).await.unwrap();
    assert_eq!((&found[0].id, &found[0].identities[0]), (&name(None, false), &name(None, false)));
}
