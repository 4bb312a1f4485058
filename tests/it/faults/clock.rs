//! F17: the clock of the server's machine is an hour ahead or behind, and jumps while the server
//! runs. The clocks of the database, the issuers and the clients are right, unless a test says
//! otherwise.

use std::time::{Duration, Instant};

use identity_link::grpc::proto::{self as pb, FeedEnd};
use prost_types::Timestamp;
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    management::channel,
    support::{
        child::{Ran, Running, binary, config_file, run_command},
        cluster::{Database, feed_cluster},
        events::{Watcher, watch_from},
        fold::Folded,
        shifted_clock::ShiftedClock,
        tokens::Token,
        *,
    },
};

const HOUR: i64 = 3600;
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN_INVALID: &str = "Unauthenticated TOKEN_INVALID";

/// A token of an issuer whose clock is ahead by so many seconds.
fn ahead(token: Token, seconds: i64) -> Token {
    let expiry = token.claims["exp"].as_i64().unwrap() + seconds;
    token.issued_ago(-seconds).with("exp", expiry)
}

/// The time of a user's last change, in nanoseconds.
fn update_time(user: &pb::User) -> i128 {
    let Timestamp { seconds, nanos } = user.update_time.unwrap();
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

/// A link of two users that was acknowledged.
struct Linked {
    link_id: String,
    /// The user as its last acknowledged change left it.
    user: pb::User,
}

/// A server with a clock of its own, its callers, and what it acknowledged.
struct Shifted {
    database: Database,
    clock: ShiftedClock,
    child: Running,
    channel: Channel,
    /// Each service that called, and by how much its issuer's clock was ahead. The server has
    /// verified and remembered its token.
    services: Vec<(i64, Caller)>,
    linked: Vec<Linked>,
    /// The users of links that were undone, both of each.
    undone: Vec<pb::User>,
    acknowledged: usize,
}

impl Shifted {
    fn start(database: Database, name: &str, first: i64) -> Self {
        let clock = ShiftedClock::new(&format!("clock_{name}"), first);
        let mut command = binary(&["serve", "--config"]);
        command.arg(config_file(&database, |toml| format!("log = \"debug\"\n{toml}")));
        clock.of(&mut command);
        let (child, address) = Running::serving(command);
        let (services, linked, undone) = Default::default();
        let channel = channel(address);
        Self { database, clock, child, channel, services, linked, undone, acknowledged: 0 }
    }

    fn caller(&self, token: &Token) -> Caller {
        Caller::new(self.channel.clone(), Some(token.sign()))
    }

    /// Sets the clock, and waits until the server judges tokens by it: another of its threads may
    /// just have read the time before.
    async fn set_clock(&self, now: i64) {
        self.clock.set_ahead(now);
        let probe = self.caller(&ahead(Token::of("services", "backend"), now));
        let is_set = async || match probe.get_user(get("nobody")).await {
            Err(status) => refusal::<()>(Err(status)) != TOKEN_INVALID,
            Ok(_) => true,
        };
        timeout(PATIENCE, async { while !is_set().await {} })
            .await
            .expect("the clock should be set");
    }

    /// Makes calls while the clock is ahead by so many seconds. Subjects begin with `name`.
    async fn calls_at(&mut self, now: i64, name: &str) {
        self.set_clock(now).await;
        let (person, account) = (format!("{name}-1"), format!("{name}-2"));
        let service = self.caller(&ahead(Token::of("services", "backend"), now));
        let user = self.link_two(&service, &person).await;
        self.services.push((now, service.clone()));

        self.expect_only_tokens_of(now, &user).await;
        self.link_with_a_proof(now, &person, &account).await;
        self.undo_an_earlier(&service).await;
    }

    /// Two users become one.
    async fn link_two(&mut self, service: &Caller, subject: &str) -> pb::User {
        let primary = service.create("google-oauth2", subject).await.id;
        let secondary = service.create("github", subject).await.id;
        let linked = service.link(link_user(&primary, &secondary)).await.unwrap();
        let (link_id, user) = (linked.link.unwrap().id, linked.user.unwrap());
        self.linked.push(Linked { link_id, user: user.clone() });
        self.acknowledged += 1;
        user
    }

    /// Tokens whose times are right by the server's clock are accepted, and no others: neither new
    /// ones nor those that the server has verified before.
    async fn expect_only_tokens_of(&self, now: i64, user: &pb::User) {
        for other in [-HOUR, 0, HOUR] {
            let told = self.caller(&ahead(Token::of("services", "backend"), other));
            let told = told.get_user(get(&user.id)).await;
            match other == now {
                true => drop(told.unwrap()),
                false => assert_eq!(refusal(told), TOKEN_INVALID, "{other} at {now}"),
            }
        }
        for (issued, service) in &self.services {
            let told = service.get_user(get(&user.id)).await;
            match *issued == now {
                true => drop(told.unwrap()),
                false => assert_eq!(refusal(told), TOKEN_INVALID, "remembered: {issued} at {now}"),
            }
        }
    }

    /// A person links an account: a proof is judged by the server's clock too.
    async fn link_with_a_proof(&mut self, now: i64, person: &str, account: &str) {
        // Two seconds later than the link of this second, which the leeway permits.
        let person = self.caller(&ahead(Token::of("google-oauth2", person), now + 2));
        for other in [-HOUR, 0, HOUR].into_iter().filter(|other| *other != now) {
            let proof = ahead(Token::of("sms", account), other).sign();
            let refused = refusal(person.link(link_with(&proof)).await);
            assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID", "{other} at {now}");
        }
        let proof = ahead(Token::of("sms", account), now).sign();
        let linked = person.link(link_with(&proof)).await.unwrap().user.unwrap();
        let last = &mut self.linked.last_mut().unwrap().user;
        assert_eq!((&linked.id, linked.version), (&last.id, last.version + 1));
        *last = linked;
        self.acknowledged += 1;
    }

    /// Undoes a link of two users that was made by another time of this clock.
    async fn undo_an_earlier(&mut self, service: &Caller) {
        if self.linked.len() == 1 {
            return;
        }
        let Linked { link_id, user } = self.linked.remove(0);
        let request = pb::UndoLinkRequest { link_id, ..Default::default() };
        let undone = service.undo_link(request).await.unwrap();
        let (left, restored) = (undone.user.unwrap(), undone.restored_user.unwrap());
        assert!(left.version > user.version && update_time(&left) >= update_time(&user));
        self.undone.extend([left, restored]);
    }

    /// Each undo withdrew the tokens from before it, and none from after it, by whatever clock the
    /// server made it. Their times are right, and so is the clock now.
    async fn expect_withdrawn_tokens(&self) {
        for user in self.undone.iter().step_by(2) {
            let account = user.identities.first().unwrap().identity_ref.clone().unwrap();
            let token = Token::of("google-oauth2", &account.subject);
            // From before the run, and later than an hour ago.
            let earlier = self.caller(&token.clone().issued_ago(50 * 60)).get_user(get("")).await;
            assert_eq!(refusal(earlier), TOKEN_INVALID);
            assert_eq!(self.caller(&token.issued_ago(-2)).user("").await.id, user.id);
        }
    }

    /// Each acknowledged link is there, with its version, and the feed has all changes in order.
    async fn db_assert_nothing_is_lost(&self, service: &Caller) {
        let users = self.linked.iter().map(|linked| &linked.user).chain(&self.undone);
        for user in users {
            assert_eq!(service.user(&user.id).await, *user);
        }
        self.database.db_assert_invariants().await;
        let count = "SELECT count(*)::text FROM events WHERE ordinal >= 0";
        let count: usize = self.database.db_texts(count).await.remove(0).parse().unwrap();
        let mut watcher = Watcher::begin(service, watch_from(FeedEnd::Oldest)).await;
        let mut folded = Folded::default();
        for event in watcher.events(count).await {
            folded.take_in_order(&event);
        }
        folded.db_assert_is_all(&self.database).await;
    }

    /// Stops the server, which has written what it noticed.
    fn end(self) -> Ran {
        self.child.signal(Signal::TERM);
        self.child.finish()
    }
}

/// Servers whose clock is wrong at their start, is set right, is wrong in the other direction, and is
/// set right again: so many times each. Returns how many links were acknowledged, all of which
/// were there at the end or undone.
async fn clocks_that_jump(rounds: usize) -> usize {
    let mut acknowledged = 0;
    for (name, first) in [("ahead", HOUR), ("behind", -HOUR)] {
        let database = feed_cluster().db_migrated().await;
        let mut server = Shifted::start(database, name, first);
        for round in 0..rounds {
            for (step, now) in [first, 0, -first, 0].into_iter().enumerate() {
                server.calls_at(now, &format!("{round}-{step}")).await;
            }
        }
        let (_, right) = server.services.last().unwrap();
        server.db_assert_nothing_is_lost(right).await;
        server.expect_withdrawn_tokens().await;
        acknowledged += server.acknowledged;

        let ran = server.end();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!ran.stderr.contains(r#""message":"panic""#), "{}", ran.stderr);
        for cause in ["issued in the future", "a time is invalid"] {
            assert!(ran.stderr.contains(cause), "the log should name the cause: {cause}");
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_loses_no_link_and_accepts_no_token_too_long() {
    clocks_that_jump(1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: `just faults`"]
async fn a_clock_that_jumps_for_long() {
    let begun = Instant::now();
    let links = clocks_that_jump(20).await;
    println!(
        "clock: 160 jumps of an hour, {links} links acknowledged, 0 lost, {:?}",
        begun.elapsed()
    );
}

/// What expires by the clock of the database does so, whatever the server's is.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_opens_no_window_again() {
    let database = feed_cluster().db_migrated().await;
    let server = Shifted::start(database, "windows", 0);
    // Such a token is valid by each of the times.
    let token = Token::of("services", "backend").issued_ago(2 * HOUR);
    let expiry = identity_link::clock::now().timestamp() + 2 * HOUR;
    let service = server.caller(&token.with("exp", expiry));
    let retried = pb::CreateUserRequest {
        request_id: "5d1a9d0e-7c1b-4f7e-9a51-000000000001".to_owned(),
        identity: Some(pb::NewIdentity {
            identity_ref: identity_ref("sms", "once"),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = service.create_user(retried.clone()).await.unwrap();

    for now in [0, -HOUR, HOUR] {
        server.clock.set_ahead(now);
        // The response is kept for a day by the database's clock, and is the same.
        assert_eq!(service.create_user(retried.clone()).await.unwrap(), made);
    }
    server.database.db_execute("UPDATE request_ids SET expire_time = now()").await;
    for now in [0, -HOUR, HOUR] {
        server.clock.set_ahead(now);
        let again = service.create_user(retried.clone()).await;
        assert_eq!(refusal(again), "AlreadyExists IDENTITY_TAKEN", "{now}");
    }
    server.end();
}

/// An operator finds the clock that is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_a_clock_that_is_wrong() {
    let database = feed_cluster().db_migrated().await;
    let file = config_file(&database, |toml| toml);
    for (now, side) in [(HOUR, "behind"), (-HOUR, "ahead of")] {
        let mut command = binary(&["doctor", "--config", file.to_str().unwrap()]);
        let clock = ShiftedClock::new("clock_doctor", now);
        clock.of(&mut command);
        let ran = tokio::task::spawn_blocking(move || run_command(command)).await.unwrap();
        let line = ran.stdout.lines().find(|line| line.contains("its clock is")).unwrap();
        assert_eq!(ran.code, Some(1));
        assert!(line.starts_with("fail  database ") && line.contains(side), "{line}");
    }
}
