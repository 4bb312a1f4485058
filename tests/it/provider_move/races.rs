//! Calls of others while a provider moves.

use super::*;
use crate::support::imports::{ImportStore, imported};

/// R40: links and unlinks of accounts that are being renamed. Each call that was acknowledged stands,
/// and none is made by a server with the issuer from before after the move has begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_end_before_the_move_begins_and_what_they_did_stands() {
    const PAIRS: usize = 8;
    let old = old_server().await;
    let store = ImportStore::open(&old.database).await;
    let user = |n: usize, at: &str| imported(&format!("{at}{n}"), &[&format!("github|{at}{n}")]);
    let users: Vec<_> = (0..PAIRS).flat_map(|n| [user(n, "p"), user(n, "s")]).collect();
    store.import(&users).await.unwrap();
    drop(store);
    let desk = Desk::new(&old.database);
    let rows: Vec<(String, String)> = (0..PAIRS)
        .flat_map(|n| ["p", "s"].map(|at| (format!("{at}{n}"), format!("new-{at}{n}"))))
        .collect();
    desk.write_map(rows.iter().map(|(old, new)| (old.as_str(), new.as_str())));
    // Each links and unlinks a pair again and again, until it is refused.
    let callers = (0..PAIRS).map(|n| {
        let service = old.service();
        tokio::spawn(async move {
            let (primary, secondary) = (format!("p{n}"), format!("s{n}"));
            let mut linked = false;
            loop {
                let called = match linked {
                    false => service.link(link_user(&primary, &secondary)).await.map(drop),
                    true => service.unlink(unlink(&primary, "github", &secondary)).await.map(drop),
                };
                match called {
                    Ok(()) => linked = !linked,
                    Err(status) => return (linked, refusal::<()>(Err(status))),
                }
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let ran = tokio::task::spawn_blocking({
        let command = desk.command(&["--subjects", "map.csv"]);
        move || run_command(command)
    });

    let ran = ran.await.unwrap();

    assert_eq!(ran.code, Some(0), "{ran:?}");
    let new = new_server(&old.database).await;
    for (n, caller) in callers.into_iter().enumerate() {
        let (linked, refused) = caller.await.unwrap();
        let of_primary = identities(&new.service().user(&format!("p{n}")).await);
        let is_linked = of_primary.len() == 2;
        match refused.as_str() {
            UNAVAILABLE => assert_eq!(is_linked, linked, "{n}"),
            // The connection ended during the commit.
            "Unknown COMMIT_UNKNOWN" | "Unavailable COMMIT_UNKNOWN" => {}
            other => panic!("{other}"),
        }
        assert!(of_primary.iter().all(|name| name.starts_with("github|new-")), "{of_primary:?}");
        assert_eq!(
            new.service().owner("github", &format!("new-s{n}")).await == format!("p{n}"),
            is_linked
        );
    }
    old.database.db_assert_invariants().await;
}
