//! Imports that race with the calls of others. An import takes no locks: see `store/imports.rs`.

use std::sync::Arc;

use identity_link::store::ImportedUser;

use super::*;
use crate::support::imports::{ImportStore, imported, outcome, with_aliases};

const TAKEN_ID: &str = "an id or alias of an import is taken";
const TAKEN_ACCOUNT: &str = "an account of an import belongs to a user";
const DELETED: &str = "a name of an import was deleted";

fn import(store: &Arc<ImportStore>, users: Vec<ImportedUser>) -> Racer {
    let store = Arc::clone(store);
    Box::pin(async move { outcome(store.import(&users).await) })
}

fn creation(service: &Caller, provider: &str, subject: &str) -> Racer {
    let service = service.clone();
    let identity = identity_ref(provider, subject);
    let identity = pb::NewIdentity { identity_ref: identity, ..Default::default() };
    let request = pb::CreateUserRequest { identity: Some(identity), ..Default::default() };
    racer(async move { service.create_user(request).await })
}

/// R23: an import, `CreateUser` and first sign-ins at the same account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_imported_account_that_signs_in_meanwhile_has_one_user() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    let store = Arc::new(ImportStore::open(&server.database).await);
    for round in 0..ROUNDS {
        let (id, g) = (format!("ann{round}"), format!("g{round}"));
        let before = imported(&format!("a{round}"), &[&format!("github|a{round}")]);
        let ann = imported(&id, &[&format!("google-oauth2|{g}"), &format!("sms|{g}")]);
        let mut racers = vec![import(&store, vec![ann, before])];
        let by_sign_in = races.coin();
        for _ in 0..races.number(1..=3) {
            racers.push(match by_sign_in {
                true => {
                    let (service, request) = (service.clone(), sign_in("google-oauth2", &g));
                    racer_as(async move { service.resolve_sign_in(request).await }, |answer| {
                        answer.decision.as_ref().unwrap().outcome().as_str_name().to_owned()
                    })
                }
                false => creation(&service, "google-oauth2", &g),
            });
        }

        let outcomes = races.at_once(racers).await;

        let is_imported = outcomes[0] == "imported";
        assert!(is_imported || outcomes[0] == TAKEN_ACCOUNT, "{outcomes:?}");
        let made = count(&outcomes[1..], "OK") + count(&outcomes[1..], "OUTCOME_CREATED");
        assert_eq!(made, usize::from(!is_imported), "{outcomes:?}");
        let others = count(&outcomes[1..], "AlreadyExists IDENTITY_TAKEN")
            + count(&outcomes[1..], "OUTCOME_SIGNED_IN");
        assert_eq!(made + others, outcomes.len() - 1, "{outcomes:?}");
        assert_eq!(service.owner("google-oauth2", &g).await == id, is_imported);
        // The whole batch, or nothing of it.
        let state = if is_imported { "CURRENT" } else { "UNKNOWN" };
        let found = service.resolved(&[&id, &format!("a{round}")]).await;
        assert!(found.iter().all(|of| of.starts_with(state)), "{found:?} {outcomes:?}");
    }
    server.database.db_assert_invariants().await;
}

/// R23, A95: an import of names whose user is deleted meanwhile. Whichever comes first, no name of
/// the deleted user comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_does_not_bring_back_who_is_deleted_meanwhile() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    let store = Arc::new(ImportStore::open(&server.database).await);
    for round in 0..ROUNDS {
        let (id, old) = (format!("ann{round}"), format!("old{round}"));
        let (google, sms) = (format!("google-oauth2|{round}"), format!("sms|{round}"));
        let ann = with_aliases(imported(&id, &[&google]), &[&old]);
        store.import(&[ann]).await.unwrap();
        // By the id, by the alias, or by the account.
        let new = format!("new{round}");
        let again = match races.number(0..=2) {
            0 => imported(&id, &[&sms]),
            1 => with_aliases(imported(&new, &[&sms]), &[&old]),
            _ => imported(&new, &[&sms, &google]),
        };
        let mut racers = vec![import(&store, vec![again])];
        let (caller, request) = (service.clone(), delete(&id));
        racers.push(racer(async move { caller.delete_user(request).await }));

        let outcomes = races.at_once(racers).await;

        let told = outcomes[0].as_str();
        assert!([TAKEN_ID, TAKEN_ACCOUNT, DELETED].contains(&told), "{outcomes:?}");
        assert_eq!(outcomes[1], "OK");
        assert_eq!(service.resolved(&[&id, &old]).await, ["DELETED ", "DELETED "]);
        assert_eq!(service.resolved(&[&new]).await, ["UNKNOWN "]);
    }
    server.database.db_assert_invariants().await;
}

/// R23: two imports of the same names, in any order, with the alias of one as the id of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_imports_of_the_same_names_one_stores_them() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let store = Arc::new(ImportStore::open(&server.database).await);
    for round in 0..ROUNDS {
        let named = |n: usize| format!("u{round}_{n}");
        let user = |id: usize, alias: usize| {
            let account = format!("github|{round}_{id}");
            with_aliases(imported(&named(id), &[&account]), &[&named(alias)])
        };
        let one: Vec<ImportedUser> = (0..10).map(|n| user(n, 20 + n)).collect();
        let other: Vec<ImportedUser> = (0..10).rev().map(|n| user(20 + n, n)).collect();

        let outcomes = races.at_once(vec![import(&store, one), import(&store, other)]).await;

        assert_eq!((count(&outcomes, "imported"), count(&outcomes, TAKEN_ID)), (1, 1));
    }
    server.database.db_assert_invariants().await;
}

/// R23: an imported user is linked and changed as soon as it is there, and the feed has the import
/// before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_changes_of_an_imported_user_follow_its_import_in_the_feed() {
    let mut races = Races::begin();
    let server = TestServer::start_feed().await;
    let service = server.service();
    let store = Arc::new(ImportStore::open(&server.database).await);
    for round in 0..ROUNDS {
        let id = format!("ann{round}");
        let ann = imported(&id, &[&format!("github|{round}")]);
        let (caller, blocked) = (service.clone(), block(&id, true));
        let change = Box::pin(async move {
            loop {
                if let Ok(done) = caller.update_user(blocked.clone()).await {
                    return done.user.unwrap().version.to_string();
                }
            }
        });

        let outcomes = races.at_once(vec![import(&store, vec![ann]), change]).await;

        assert_eq!(outcomes, ["imported", "2"]);
    }
    let told: Vec<String> =
        events::events(&service, 2 * ROUNDS).await.iter().map(events::line).collect();
    for (round, pair) in told.chunks(2).enumerate() {
        assert_eq!(pair, ["imported 1".to_owned(), format!("blocked=true ann{round} 1>2")]);
    }
    server.database.db_assert_invariants().await;
}
