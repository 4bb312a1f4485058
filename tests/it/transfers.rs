//! Users in bulk over gRPC, as the commands move them.

mod ending;
mod exports;
mod imports;
mod limits;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::cluster::Database;

/// A neutral row with one account at GitHub.
fn row(id: &str, subject: &str) -> Value {
    json!({"id": id, "identities": [{"provider": "github", "subject": subject}]})
}

/// So many rows. Their ids are so long that the verdicts of all of them fit into no buffer.
fn many(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{}", row(&format!("{number:0>200}"), &number.to_string()));
        text
    })
}

/// Rows as lines.
fn lines(rows: impl IntoIterator<Item = Value>) -> String {
    rows.into_iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{row}");
        text
    })
}

async fn db_users(database: &Database) -> Vec<String> {
    database.db_texts("SELECT id FROM users WHERE tenant_id = 'default' ORDER BY id").await
}

async fn db_count(database: &Database) -> usize {
    database.db_texts("SELECT count(*)::text FROM users").await[0].parse().unwrap()
}
