//! What an import reads, and how often it waits for the database.

use super::{
    plans::{CROWD, db_read_by_keys},
    *,
};
use crate::support::imports::{ImportStore, imported, with_aliases};

#[tokio::test]
async fn the_names_of_an_import_are_looked_up_by_keys() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let store = ImportStore::open(&server.database).await;
    let ann = with_aliases(imported("ann", &["github|1", "sms|2"]), &["old"]);
    let mut session = store.session().await;
    let batch = vec![ann; 300];
    let look_up =
        async { Ok(session.stored_names(&batch.iter().collect::<Vec<_>>()).await.unwrap()) };

    let asked = statements(&server, look_up).await;

    assert_eq!(db_read_by_keys(&server, &asked).await, 3, "{asked:?}");
}

/// However many users it has, a batch is four statements and those of its run and its event.
#[tokio::test]
async fn a_batch_is_written_by_few_statements_that_read_by_keys() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let store = ImportStore::open(&server.database).await;
    let user = |n: usize| {
        let user = imported(&format!("u{n}"), &[&format!("github|{n}"), &format!("sms|{n}")]);
        with_aliases(user, &[&format!("old{n}")])
    };
    let batch: Vec<_> = (0..100).map(user).collect();
    let import = async {
        store.import(&batch).await.unwrap();
        Ok(())
    };

    let asked = statements(&server, import).await;

    // BEGIN, the time, the users, the identities, the tombstones, the run, the event, COMMIT.
    assert_costs(8..=8, &asked);
    assert!(db_read_by_keys(&server, &asked).await >= 1, "{asked:?}");
}
