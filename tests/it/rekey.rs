//! `examples/rekey`, as a shop would run it: killed again and again while users become one and come
//! apart. Its database is in another cluster than the feed, which would wait for its transactions.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::support::{
    child::{Running, run_command, temp_dir},
    cluster::{Database, cluster},
    events::{Watcher, watch_from},
    tokens::Token,
    *,
};

const PEOPLE: usize = 16;
const ROUNDS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// The example as cargo builds it. `cargo test` has done so; for one target alone it does not.
fn example() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "rekey"]);
    let built = run_command(cargo);
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    Path::new(env!("CARGO_BIN_EXE_identity-link")).with_file_name("examples").join("rekey")
}

/// The shop, and how its service is started.
struct Shop {
    database: Database,
    example: PathBuf,
    token_file: PathBuf,
    address: String,
}

impl Shop {
    async fn open(server: &TestServer) -> Self {
        let database = cluster().db_empty().await;
        database.db_execute(include_str!("../../examples/rekey/schema.sql")).await;
        let token_file = temp_dir(&database.name).join("token");
        Self { database, example: example(), token_file, address: format!("http://{}", server.address) }
    }

    fn start(&self) -> Running {
        let mut command = Command::new(&self.example);
        command.args(["--identity-link", &self.address, "--database", &self.database.url, "--token-file"]);
        command.arg(&self.token_file);
        Running::start(command)
    }

    fn give_token(&self, token: &Token) {
        fs::write(&self.token_file, token.sign()).unwrap();
    }

    /// One order of each, as the shop knows its customers: by the ids that they had when they signed in.
    async fn db_place_orders(&self, ids: &[String]) {
        for id in ids {
            let next = "(SELECT coalesce(max(id), 0) + 1 FROM orders)";
            self.database.db_execute(&format!("INSERT INTO orders VALUES ({next}, '{id}', '{id}')")).await;
        }
    }

    /// One more order, while the service goes on, the way that the docs have it.
    async fn db_place_order(&self, service: &Caller, id: &str) {
        let order = self.database.db_texts("SELECT (max(id) + 1)::text FROM orders").await.remove(0);
        let placed = format!("SELECT 'placed' FROM orders WHERE id = {order}");
        while self.database.db_texts(&placed).await.is_empty() {
            let Some(position) = self.db_position().await else { return };
            let resolved = service.resolve_users(resolve([id])).await.unwrap().users.remove(0);
            let user = if resolved.user_id.is_empty() { "NULL".to_owned() } else { format!("'{}'", resolved.user_id) };
            let place = include_str!("../../examples/rekey/place_order.sql").replace("$1", &order);
            let place = place.replace("$2", &format!("'{id}'")).replace("$3", &user);
            self.database.db_execute(&place.replace("$4", &format!("'{position}'"))).await;
        }
    }

    /// By the id under which it was placed, whose each order is; `-` is nobody.
    async fn db_orders(&self) -> Vec<(String, String)> {
        let rows = "SELECT placed_by || ' ' || coalesce(user_id, '-') FROM orders ORDER BY id";
        let split = |row: &String| row.split_once(' ').map(|(id, user)| (id.to_owned(), user.to_owned())).unwrap();
        self.database.db_texts(rows).await.iter().map(split).collect()
    }

    async fn db_position(&self) -> Option<String> {
        self.database.db_texts("SELECT position FROM feed_position").await.pop()
    }

    /// Returns once the service has come to a position like this.
    async fn db_until_position(&self, is_it: impl Fn(&str) -> bool) {
        let there = async { while !self.db_position().await.is_some_and(|position| is_it(&position)) {} };
        timeout(PATIENCE, there).await.expect("the service should go on");
    }
}

/// Those whose orders they are, and what happens to them.
struct People<'a> {
    service: &'a Caller,
    lots: Lots,
    ids: Vec<String>,
    subjects: BTreeMap<String, String>,
    links: Vec<String>,
}

impl People<'_> {
    async fn join(&mut self) -> String {
        let subject = self.ids.len().to_string();
        let id = self.service.create("github", &subject).await.id;
        self.subjects.insert(id.clone(), subject);
        self.ids.push(id.clone());
        id
    }

    /// One call of some kind; most are carried out, and the rest refused with good reason.
    async fn something(&mut self) {
        let (one, other) = (self.lots.one_of(&self.ids).clone(), self.lots.one_of(&self.ids).clone());
        let outcome = match self.lots.number(0..=20) {
            0 => self.service.delete_user(delete(&one)).await.map(drop),
            1..=5 if !self.links.is_empty() => {
                let link_id = self.lots.one_of(&self.links).clone();
                self.service.undo_link(pb::UndoLinkRequest { link_id, ..Default::default() }).await.map(drop)
            }
            6..=10 => self.unlink(&one).await,
            _ => self.service.link_user(&one, &other).await.map(|link| self.links.push(link)),
        };
        let expected = [Code::FailedPrecondition, Code::InvalidArgument, Code::NotFound, Code::AlreadyExists];
        assert!(
            outcome.as_ref().is_ok() || outcome.as_ref().is_err_and(|s| expected.contains(&s.code())),
            "{outcome:?}"
        );
    }

    /// Takes the identity with which somebody came from whoever has it.
    async fn unlink(&self, id: &str) -> Result<(), Status> {
        let subject = &self.subjects[id];
        let found = self.service.find_by_identity(owner_of("github", subject)).await?;
        self.service.unlink(unlink(&found.user.unwrap().id, "github", subject)).await.map(drop)
    }

    /// Two newcomers who become one; the position of that.
    async fn last_link(&mut self) -> String {
        let (one, other) = (self.join().await, self.join().await);
        let link = self.service.link_user(&one, &other).await.unwrap();
        let mut watcher = Watcher::begin(self.service, watch_from(pb::FeedEnd::Oldest)).await;
        loop {
            let events = watcher.next().await.unwrap().events;
            let is_it = |event: &&pb::Event| matches!(&event.detail, Some(pb::event::Detail::UserLinked(e)) if e.link_id == link);
            if let Some(event) = events.iter().find(is_it) {
                return event.position.clone();
            }
        }
    }
}

impl Caller {
    /// The id of the link.
    async fn link_user(&self, user: &str, secondary: &str) -> Result<String, Status> {
        Ok(self.link(link_user(user, secondary)).await?.link.unwrap_or_default().id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_often_the_example_is_killed_orders_end_with_those_whose_they_are() {
    let mut races = Races::begin();
    let server = TestServer::start_feed().await;
    let shop = Shop::open(&server).await;
    let service = server.service();
    let (subjects, links) = (BTreeMap::new(), Vec::new());
    let mut people = People { service: &service, lots: races.lots(), ids: Vec::new(), subjects, links };
    for _ in 0..PEOPLE {
        people.join().await;
    }
    shop.db_place_orders(&people.ids).await;
    // There is something before the first position, and a token that is not good any more.
    for _ in 0..20 {
        people.something().await;
    }
    let token = Token::of("services", "shop").scope("read:events read:users");
    shop.give_token(&token.clone().issued_ago(1000).with("exp", token.claims["iat"].as_i64().unwrap() - 400));

    for round in 0..ROUNDS {
        let before = shop.db_position().await;
        people.join().await;
        let mut running = shop.start();
        if round == 0 {
            running.stderr_until(|line| line.contains("Unauthenticated") || line.contains("credentials"));
            shop.give_token(&token);
        }
        if races.coin() {
            shop.db_until_position(|position| before.as_deref() != Some(position)).await;
        }
        for _ in 0..races.number(5..=30) {
            people.something().await;
            if races.coin() {
                let id = people.lots.one_of(&people.ids).clone();
                shop.db_place_order(&service, &id).await;
            }
        }
        if races.coin() {
            // Killed in the middle of a transaction.
            let held = shop.database.db_hold_table("orders").await;
            people.last_link().await;
            shop.database.db_until_waiting(1).await;
            running.signal(Signal::KILL);
            held.db_release().await;
        } else {
            running.signal(Signal::KILL);
        }
        drop(running);
        for _ in 0..races.number(0..=10) {
            people.something().await;
        }
        if round == ROUNDS / 2 {
            // It was set back, to where there is no position that is good.
            shop.database.db_execute("UPDATE feed_position SET position = 'lost'").await;
            shop.db_place_orders(&people.ids).await;
        }
    }
    let running = shop.start();
    let end = people.last_link().await;
    shop.db_until_position(|position| position == end).await;
    drop(running);

    let orders = shop.db_orders().await;
    let resolved = service.resolve_users(resolve(orders.iter().map(|(id, _)| id.as_str()))).await.unwrap().users;
    let truth: Vec<(String, String)> = resolved.into_iter().map(whose).collect();
    assert_eq!(orders, truth);
    let kinds = [truth.iter().any(|(_, user)| user == "-"), truth.iter().any(|(id, user)| id == user)];
    assert_eq!(kinds, [true, true], "the story should have had everything: {truth:?}");
    assert!(truth.iter().any(|(id, user)| user != "-" && id != user), "and links: {truth:?}");
}

/// What `rekey` should have come to.
fn whose(user: pb::ResolvedUser) -> (String, String) {
    let holder = if user.user_id.is_empty() { "-".to_owned() } else { user.user_id };
    (user.requested_id, holder)
}

#[test]
fn the_pattern_in_the_docs_is_the_example_s() {
    let docs = fs::read_to_string("docs/FEED.md").unwrap();
    let blocks: Vec<&str> =
        docs.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1).collect();
    let example =
        ["main.rs", "place_order.sql"].map(|file| fs::read_to_string(format!("examples/rekey/{file}")).unwrap());
    assert_eq!(blocks.len(), example.len());
    for (block, file) in blocks.into_iter().zip(example) {
        assert!(file.contains(block), "docs/FEED.md has what the example has not:\n{block}");
    }
}
