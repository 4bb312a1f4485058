//! `identity-link erase` deletes the users of a list, and says what became of each id.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command, time::Duration};

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use tokio::time::timeout;

use crate::support::{
    child::{Ran, Running, binary, config_file, run_command},
    cluster::{Database, cluster, feed_cluster},
    events,
    imports::{ImportStore, imported, with_aliases},
    tokens::Token,
    *,
};

/// A folder of an operator.
struct Desk {
    config: PathBuf,
}

impl Desk {
    fn new(database: &Database) -> Self {
        Self { config: config_file(database, |toml| toml) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.config.with_file_name(name)
    }

    fn list(&self, ids: &[&str]) {
        fs::write(self.path("ids.txt"), ids.join("\n")).unwrap();
    }

    fn command(&self, tenant: &str, options: &[&str]) -> Command {
        let mut command = binary(&["erase", "--config", "serve.toml", "--tenant", tenant]);
        command.args(["--ids", "ids.txt"]).args(options);
        command.current_dir(self.config.parent().unwrap());
        command
    }

    fn erase(&self, options: &[&str]) -> Ran {
        run_command(self.command("default", options))
    }
}

/// P42: a user goes with all that it has absorbed; a user that another one holds does not go without
/// its holder, and an id of another tenant is none.
#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_a_list_is_deleted_with_all_that_it_absorbed() {
    let server = TestServer::start_on(feed_cluster().db_migrated().await).await;
    let service = server.service();
    let mut created = Vec::new();
    for name in ["ann", "ben", "cat", "dan", "eve", "gone", "kept"] {
        created.push(service.create("github", name).await.id);
    }
    let [ann, ben, cat, dan, eve, gone, kept] = &created[..] else { panic!("{created:?}") };
    let elsewhere = server.service_of("other").create("github", "ann").await.id;
    // Ann holds Ben and Cat, of which only Ben is listed. Eve, who is not, holds Dan.
    service.link(link_user(ann, ben)).await.unwrap();
    service.link(link_user(ann, cat)).await.unwrap();
    service.link(link_user(eve, dan)).await.unwrap();
    service.delete(gone).await;
    let desk = Desk::new(&server.database);
    desk.list(&[ben, ann, dan, gone, "usr_none", &elsewhere]);
    let whole = server.database.db_everything().await;

    let dry = desk.erase(&["--dry-run"]);

    assert_eq!(dry.code, Some(3), "{dry:?}");
    assert_eq!(server.database.db_everything().await, whole);

    let ran = desk.erase(&["--report", "report.ndjson"]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.stdout.replace("deleted: 1", "would be deleted: 1"), dry.stdout);
    insta::assert_snapshot!(ran.stdout, @"default: deleted: 1 users, and 2 users that they had absorbed, of which 1 are in the list; deleted before: 1; refused: 3");
    assert!(ran.stderr.contains("3 ids were refused: "), "{ran:?}");
    let report = desk.path("report.ndjson");
    assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o600);
    let mut lines: Vec<serde_json::Value> = fs::read_to_string(report)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.sort_by_key(|line| line["line"].as_u64());
    let outcomes: Vec<&str> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["with_holder", "deleted", "absorbed", "already", "unknown", "unknown"]);
    assert_eq!(lines[2]["holder"], eve.as_str());
    let found = service.resolved(&[ann, ben, cat]).await;
    assert!(found.iter().all(|of| of.starts_with("DELETED")), "{found:?}");
    assert_eq!(identities(&service.user(eve).await), ["github|eve", "github|dan"]);
    assert_eq!(service.user(kept).await.id, *kept);
    assert_eq!(server.service_of("other").user(&elsewhere).await.id, elsewhere);
    // As after a DeleteUser: the account is free, and the feed has one event, of the operator.
    let token = server.caller(&Token::of("github", "ann"));
    assert_eq!(refusal(token.get_user(get("")).await), "NotFound USER_NOT_FOUND");
    let seen = events::events(&service, 12).await;
    let last = seen.iter().rfind(|event| event.tenant == "default").unwrap();
    assert!(events::line(last).starts_with(&format!("deleted {ann} ")), "{last:?}");
    assert_eq!(last.actor.as_ref().unwrap().kind(), pb::actor::Kind::Operator);
    server.database.db_assert_invariants().await;

    // The same list again.
    let again = desk.erase(&[]);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(
        again.stdout.contains("deleted: 0 users")
            && again.stdout.contains("deleted before: 3; refused: 3"),
        "{again:?}"
    );
}

/// A former id is a name of its user: the list has to name the user.
#[tokio::test(flavor = "multi_thread")]
async fn a_former_id_erases_no_user_and_goes_with_it() {
    let database = cluster().db_migrated().await;
    let ann = with_aliases(imported("ann", &["github|ann"]), &["old-ann"]);
    ImportStore::open(&database).await.import(&[ann]).await.unwrap();
    let desk = Desk::new(&database);
    desk.list(&["old-ann"]);
    assert_eq!(desk.erase(&[]).code, Some(3));
    assert_eq!(database.db_texts("SELECT id FROM users ORDER BY id").await, ["ann", "old-ann"]);

    desk.list(&["old-ann", "ann"]);
    let ran = desk.erase(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(database.db_texts("SELECT id FROM users").await, [""; 0]);
}

/// The list may come from a program: it is read once.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_from_a_pipe_counts_an_id_that_is_there_twice_once() {
    let server = TestServer::start().await;
    let service = server.service();
    let [ann, ben] = ["ann", "ben"].map(|name| service.create("github", name));
    let (ann, ben) = (ann.await.id, ben.await.id);
    let desk = Desk::new(&server.database);
    desk.list(&[&ann, &ben, &ann, "", &ben]);
    let piped = |options: &str| {
        let mut command = Command::new("sh");
        let program = binary(&[]).get_program().to_str().unwrap().to_owned();
        let erase =
            format!("'{program}' erase --config serve.toml --tenant default --ids /dev/stdin");
        command.args(["-c", &format!("cat ids.txt | {erase} {options}")]);
        command.current_dir(desk.config.parent().unwrap());
        run_command(command)
    };

    let dry = piped("--dry-run");
    let ran = piped("");

    assert_eq!((dry.code, ran.code), (Some(0), Some(0)), "{dry:?} {ran:?}");
    assert!(dry.stdout.contains("would be deleted: 2 users"), "{dry:?}");
    assert!(ran.stdout.contains("deleted: 2 users"), "{ran:?}");
    assert!(ran.stdout.contains("deleted before: 0; refused: 0"), "{ran:?}");
    assert_eq!(service.resolved(&[&ann, &ben]).await, ["DELETED ", "DELETED "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_a_line_that_is_no_id_erases_no_user() {
    let server = TestServer::start().await;
    let ann = server.service().create("github", "ann").await.id;
    let desk = Desk::new(&server.database);
    desk.list(&[&ann, "not an id"]);

    let ran = desk.erase(&[]);

    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("see line 2"), "{ran:?}");
    assert_eq!(server.service().user(&ann).await.id, ann);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_or_killed_is_finished_by_the_same_command() {
    const USERS: usize = 200;
    let database = cluster().db_migrated().await;
    let users: Vec<_> =
        (0..USERS).map(|n| imported(&format!("u{n}"), &[&format!("github|{n}")])).collect();
    ImportStore::open(&database).await.import(&users).await.unwrap();
    let desk = Desk::new(&database);
    let ids: Vec<String> = (0..USERS).map(|n| format!("u{n}")).collect();
    desk.list(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let count = "SELECT count(*)::text FROM users";
    for signal in [Signal::INT, Signal::KILL] {
        let before = database.db_texts(count).await;
        let running = Running::start(desk.command("default", &[]));
        let fewer = async { while database.db_texts(count).await == before && before != ["0"] {} };
        timeout(Duration::from_secs(60), fewer).await.expect("users should be deleted");
        running.signal(signal);
        let ran = running.finish();
        let expected = if signal == Signal::INT { Some(130) } else { None };
        // It may have ended before the signal.
        assert!(ran.code == expected || ran.code == Some(0), "{ran:?}");
    }
    database.db_until_alone().await;

    let ran = desk.erase(&[]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(database.db_texts(count).await, ["0"]);
    let events = "SELECT count(*) || ' ' || count(DISTINCT user_id) FROM events WHERE detail->>'kind' = 'user_deleted'";
    assert_eq!(database.db_texts(events).await, [format!("{USERS} {USERS}")]);
}
