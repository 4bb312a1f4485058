//! Users change while they are exported.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use super::{export, exported, ids, json};
use crate::support::{
    TestServer, block,
    cluster::feed_cluster,
    delete,
    events::{Watcher, watch_after},
    link_user,
};

/// How many live users there are: more than the command reads while no line is read from its pipe.
const LIVE: usize = 6300;
/// How many pairs of each kind are linked.
const PAIRS: usize = 3;

/// Lays lines over a copy, as the page about exports says.
fn lay_over(copy: &mut BTreeMap<String, String>, lines: &[String]) {
    for line in lines {
        let user = json(line);
        let aliases = user.get("aliases").and_then(|aliases| aliases.as_array().cloned());
        let replaced = aliases.into_iter().flatten().chain([user["id"].clone()]);
        replaced.for_each(|id| drop(copy.remove(id.as_str().unwrap())));
        if user.get("deleted").is_none() {
            copy.insert(user["id"].as_str().unwrap().to_owned(), line.clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_since_its_position_complete_an_export() {
    let database = feed_cluster().db_migrated().await;
    database.db_populate(LIVE / 9 * 10).await;
    let server = TestServer::start_on(database).await;
    let service = server.service();
    let live = "SELECT id FROM users WHERE absorbed_into IS NULL ORDER BY id";
    let live = server.database.db_texts(live).await;
    assert_eq!(live.len(), LIVE);
    let mut command = export(&server.database, &["--tenant", "default"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    // Its page was read. It cannot be written before this test reads on, so the last page waits.
    stdout.read_line(&mut text).unwrap();

    let (first, last) = (&live[..3 * PAIRS], &live[LIVE - 3 * PAIRS..]);
    for pair in 0..PAIRS {
        service.link(link_user(&first[pair], &last[pair])).await.unwrap();
        service.link(link_user(&last[PAIRS + pair], &first[PAIRS + pair])).await.unwrap();
        service.update_user(block(&first[2 * PAIRS + pair], true)).await.unwrap();
        service.delete_user(delete(&last[2 * PAIRS + pair])).await.unwrap();
    }

    stdout.read_to_string(&mut text).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let stderr = String::from_utf8(ran.stderr).unwrap();
    let position = stderr.trim().rsplit(' ').next().unwrap().to_owned();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let written = ids(&lines);
    let is_written = |id: &String| written.contains(id);
    // An account that moved from a later page to an earlier one is in no line; one that moved the
    // other way is in two.
    assert!(first.iter().all(is_written));
    assert!(!last[..PAIRS].iter().any(is_written));
    assert!(last[PAIRS..2 * PAIRS].iter().all(is_written));
    assert!(!last[2 * PAIRS..].iter().any(is_written));

    let mut copy = BTreeMap::new();
    lay_over(&mut copy, &lines);
    // An export has the events that a watcher has.
    Watcher::begin(&service, watch_after(&position)).await.events(4 * PAIRS).await;
    let since = ["--tenant", "default", "--since", &position];
    lay_over(&mut copy, &exported(&server.database, &since).0);

    let (whole, _) = exported(&server.database, &["--tenant", "default"]);
    let differing: Vec<_> =
        whole.iter().filter(|line| !copy.values().any(|own| own == *line)).collect();
    assert_eq!((copy.len(), differing), (whole.len(), Vec::new()));
    server.database.db_assert_invariants().await;
}
