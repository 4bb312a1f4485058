//! The shop, and how the test starts its service.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use tokio::time::timeout;

use crate::support::{
    child::{Running, temp_dir},
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// What makes the command of a shop's service, without its arguments.
pub(super) type Start = fn() -> Command;

/// A shop with its own service.
pub(super) struct Shop {
    /// The shop's own database.
    pub database: Database,
    start: Start,
    token_file: PathBuf,
    address: String,
}

impl Shop {
    /// Opens a shop with empty tables.
    pub(super) async fn open(server: &TestServer, start: Start) -> Self {
        // The first test of a language builds its service.
        tokio::task::spawn_blocking(start).await.unwrap();
        let database = cluster().db_empty().await;
        database.db_execute(include_str!("../../../examples/rekey/schema.sql")).await;
        let token_file = temp_dir(&database.name).join("token");
        Self { database, start, token_file, address: format!("http://{}", server.address) }
    }

    /// Starts the shop's service.
    pub(super) fn start(&self) -> Running {
        let mut command = (self.start)();
        command.args([
            "--identity-link",
            &self.address,
            "--database",
            &self.database.url,
            "--token-file",
        ]);
        command.arg(&self.token_file);
        Running::start(command)
    }

    /// Stores the token that the service reads for its next call.
    pub(super) fn give_token(&self, token: &Token) {
        fs::write(&self.token_file, token.sign()).unwrap();
    }

    /// Places one order for each user, by the ids that the users had when they signed in.
    pub(super) async fn db_place_orders(&self, ids: &[String]) {
        for id in ids {
            let next = "(SELECT coalesce(max(id), 0) + 1 FROM orders)";
            self.database
                .db_execute(&format!("INSERT INTO orders VALUES ({next}, '{id}', '{id}')"))
                .await;
        }
    }

    /// Places one more order while the service runs, in the way that the docs describe.
    pub(super) async fn db_place_order(&self, service: &Caller, id: &str) {
        let count = self.db_orders().await.len();
        while self.db_orders().await.len() == count {
            let Some(position) = self.db_position().await else { return };
            let place = self.db_placing(id, &resolved_id(service, id).await, &position).await;
            self.database.db_execute(&place).await;
        }
    }

    /// The statement that places an order of an id that resolved to this user at this position of
    /// the feed.
    pub(super) async fn db_placing(&self, id: &str, user: &str, position: &str) -> String {
        let number = self.db_orders().await.len() + 1;
        let sql = include_str!("../../../examples/rekey/place_order.sql")
            .replace("$1", &number.to_string());
        let sql =
            sql.replace("$2", &format!("'{id}'")).replace("$3", &format!("nullif('{user}', '')"));
        sql.replace("$4", &format!("'{position}'"))
    }

    /// The orders by number: the id under which each was placed, and its user, or `-` if it has
    /// none.
    pub(super) async fn db_orders(&self) -> Vec<(String, String)> {
        let rows = "SELECT placed_by || ' ' || coalesce(user_id, '-') FROM orders ORDER BY id";
        let split = |row: &String| {
            row.split_once(' ').map(|(id, user)| (id.to_owned(), user.to_owned())).unwrap()
        };
        self.database.db_texts(rows).await.iter().map(split).collect()
    }

    /// The position that the shop's service has reached.
    pub(super) async fn db_position(&self) -> Option<String> {
        self.database.db_texts("SELECT position FROM feed_position").await.pop()
    }

    /// Returns after the service has reached such a position.
    pub(super) async fn db_until_position(&self, is_it: impl Fn(&str) -> bool) {
        let there =
            async { while !self.db_position().await.is_some_and(|position| is_it(&position)) {} };
        timeout(PATIENCE, there).await.expect("the service should reach the position");
    }
}

/// The id of the live user that holds this id. Empty if the user is deleted.
async fn resolved_id(service: &Caller, id: &str) -> String {
    service.resolve_users(resolve([id])).await.unwrap().users.remove(0).user_id
}
