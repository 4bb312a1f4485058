//! What `docs/reference/auth0-differences.md` says of merges: what the code of Auth0's documents did, with each lodash
//! that it was run with, and what `MergeMetadata` does.

use std::fs;

use serde_json::json;

use super::*;
use crate::support::{child::run_command, npm};

const PACKAGES: &str = "tests/it/auth0-clients";

/// The cells of the table's rows.
fn documented() -> Vec<Vec<String>> {
    let text = fs::read_to_string("docs/reference/auth0-differences.md").unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("| secondary | primary |"));
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect()
    };
    table.take_while(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[tokio::test]
async fn merges_are_as_the_table_has_them() {
    let server = TestServer::start().await;
    let service = server.service();
    let rows = documented();
    let value = |cell: &String| serde_json::from_str::<Value>(cell).unwrap();
    let pairs: Vec<Value> =
        rows.iter().map(|row| json!([value(&row[0]), value(&row[1])])).collect();
    let program = npm_program(&pairs).await;
    assert_eq!((rows.len(), program.len()), (rows.len(), rows.len()));
    assert!(rows.len() > 10);

    for (n, (row, lodash)) in rows.iter().zip(program).enumerate() {
        let primary =
            user_with(&service, &n.to_string(), json!({"value": value(&row[1])}), json!({})).await;
        let merged = service
            .merge_metadata(give(&primary.id, json!({"value": value(&row[0])})))
            .await
            .unwrap();

        let here = metadata(&merged.user.unwrap()).0["value"].clone();
        let seen = lodash
            .into_iter()
            .map(|outcome| outcome.get("value").map_or("throws".into(), ToString::to_string));
        let seen: Vec<String> = seen.chain([here.to_string()]).collect();
        let told: Vec<String> =
            row[2..].iter().map(|cell| cell.replace(": ", ":").replace(", ", ",")).collect();
        assert_eq!(seen, told, "{row:?}");
    }
}

/// What each lodash makes of each pair.
async fn npm_program(pairs: &[Value]) -> Vec<Vec<Value>> {
    let pairs = json!(pairs).to_string();
    let run = move || {
        let mut command = npm::program(PACKAGES, "merges.cjs");
        command.arg(pairs);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
