//! The cost of a flow at a provider: the server's processor time for a whole one; and what a thousand
//! flows cost that wait for a provider which hangs: memory, connections to the database, and the rate
//! of other calls. The server is a process of its own, and the provider is in this one.
//! `cargo bench --bench flows`, with `-- whole` or `waiting` for a part

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    Caller,
    browser::Browser,
    child::Running,
    cluster::{Database, feed_cluster},
    fake_codes::{CLIENT_ID, CLIENT_SECRET},
    fake_oidc::FakeOidc,
    tokens::Token,
    web_server::Answer,
};
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};
use tonic::transport::Endpoint;

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
const FLOWS: usize = 500;
/// The number of callers at a time.
const CALLERS: usize = 8;
const WAITING: usize = 1000;
/// The flows that wait share so many connections.
const CONNECTIONS: usize = 20;
const ROUNDS: usize = 5;
/// How long other calls are counted. A flow waits for ten seconds at most.
const COUNTED: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this argument: then nothing is measured.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    // The named parts, or all of them.
    let is_wanted = |part: &str| {
        let mut parts =
            std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
        parts.peek().is_none() || parts.any(|wanted| wanted == part)
    };
    let served = Served::start().await;
    if is_wanted("whole") {
        whole(&served).await;
    }
    if is_wanted("waiting") {
        waiting(&served).await;
    }
}

/// The server, with a client at a provider.
struct Served {
    running: Running,
    address: SocketAddr,
    database: Database,
    provider: FakeOidc,
    /// A user that calls look up.
    user: String,
}

impl Served {
    async fn start() -> Self {
        let person = json!({"sub": "alice", "email": "a@example.com", "email_verified": true});
        let provider = FakeOidc::start(person).await;
        let client = format!(
            "[tenants.default.providers.fake]\n[tenants.default.providers.fake.oauth]\nkind = \"oidc\"\n\
             issuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n\
             redirect_uris = [\"{REDIRECT_URI}\"]\n",
            provider.issuer
        );
        let database = feed_cluster().db_migrated().await;
        let (running, address) = Running::serve(&database, |toml| toml + &client);
        let mut served = Self { running, address, database, provider, user: String::new() };
        served.user = served.service().create("github", "1").await.id;
        served
    }

    /// A backend on its own connection, with a token for an hour.
    fn service(&self) -> Caller {
        let token = Token::of("services", "backend");
        let end = token.claims["iat"].as_i64().unwrap() + 3600;
        let channel =
            Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy();
        Caller::new(channel, Some(token.with("exp", end).sign()))
    }

    fn services(&self, count: usize) -> Vec<Caller> {
        (0..count).map(|_| self.service()).collect()
    }

    /// The connections of the server that are not idle.
    async fn db_busy(&self) -> usize {
        let sql = format!(
            "SELECT pid::text FROM pg_stat_activity WHERE datname = '{}' AND state <> 'idle' \
               AND pid <> pg_backend_pid()",
            self.database.name
        );
        let elsewhere =
            Database { name: "postgres".to_owned(), url: feed_cluster().url("postgres") };
        elsewhere.db_texts(&sql).await.len()
    }

    /// Begins a flow and goes to the provider. Returns the request that completes it.
    async fn begun(&self, service: &Caller) -> pb::CompleteSignInRequest {
        let request = pb::StartSignInRequest {
            provider: "fake".to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            intent: Some(pb::start_sign_in_request::Intent::SignIn(pb::SignInIntent {})),
            ..Default::default()
        };
        let begun = service.start_sign_in(request).await.unwrap();
        let back = Browser::new(REDIRECT_URI).open(&begun.authorization_url).await.back();
        let parameter = |name: &str| back.get(name).cloned().unwrap_or_default();
        pb::CompleteSignInRequest {
            attempt_secret: begun.attempt_secret,
            state: parameter("state"),
            code: parameter("code"),
            iss: parameter("iss"),
            redirect_uri: REDIRECT_URI.to_owned(),
            ..Default::default()
        }
    }

    /// `GetUser` by some callers for a while: the calls per second.
    async fn looked_up(&self, services: &[Caller]) -> f64 {
        let begun = Instant::now();
        let calls = services.iter().map(async |service| {
            let mut calls = 0;
            while begun.elapsed() < COUNTED {
                let of = pb::GetUserRequest { user_id: self.user.clone() };
                service.get_user(of).await.unwrap();
                calls += 1;
            }
            calls
        });
        let calls: u32 = join_all(calls).await.into_iter().sum();
        f64::from(calls) / begun.elapsed().as_secs_f64()
    }
}

/// The server's processor time for a whole flow, and for a `GetUser`.
async fn whole(served: &Served) {
    let services = served.services(CALLERS);
    let each = |service: &Caller| {
        let service = service.clone();
        async move {
            for _ in 0..FLOWS / CALLERS {
                let request = served.begun(&service).await;
                service.complete_sign_in(request).await.unwrap();
            }
        }
    };
    join_all(services.iter().map(each)).await;
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        let before = served.running.cpu();
        join_all(services.iter().map(each)).await;
        let flow = (served.running.cpu() - before) / (FLOWS / CALLERS * CALLERS) as f64;
        let before = served.running.cpu();
        let rate = served.looked_up(&services).await;
        let look_up = (served.running.cpu() - before) / (rate * COUNTED.as_secs_f64());
        costs.push((flow, look_up));
    }
    costs.sort_by(|one, other| one.0.total_cmp(&other.0));
    let worst = costs.last().unwrap().0;
    let (flow, look_up) = costs.get(ROUNDS / 2).unwrap();
    println!(
        "a whole flow: {:.2} ms of the server's processor time (worst round {:.2} of 2.00), {:.1} times that of GetUser",
        flow * 1000.0,
        worst * 1000.0,
        flow / look_up
    );
}

/// A thousand flows that wait for the provider: what they hold, and what they cost others.
async fn waiting(served: &Served) {
    let (services, callers) = (served.services(CONNECTIONS), served.services(CALLERS));
    let mut rounds = Vec::new();
    // The first round does not count: the connections are opened.
    for number in 0..=ROUNDS {
        let (alone, before) = (served.looked_up(&callers).await, served.running.memory("VmRSS"));
        let mut requests = Vec::new();
        for _ in 0..WAITING / CONNECTIONS {
            requests.extend(join_all(services.iter().map(|of| served.begun(of))).await);
        }
        let (held, release) =
            Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#).held();
        served.provider.web.answer("/token", held);
        let mut flows = JoinSet::new();
        for (request, service) in requests.into_iter().zip(services.iter().cycle()) {
            let service = service.clone();
            flows.spawn(async move { service.complete_sign_in(request).await });
            // More at once than the server carries out would be refused.
            if flows.len() % CONNECTIONS == 0 {
                // A flow removes its attempt before it asks the provider.
                let later =
                    format!("SELECT 1 FROM sign_in_attempts OFFSET {}", WAITING - flows.len());
                served.database.db_until_none(&later).await;
            }
        }
        let (beside, busy) = (served.looked_up(&callers).await, served.db_busy().await);
        let held = served.running.memory("VmRSS") - before;
        release.notify_one();
        let mut rejected = 0;
        while let Some(outcome) = flows.join_next().await {
            rejected += usize::from(outcome.unwrap().is_err());
        }
        assert_eq!(rejected, WAITING, "each flow waited to its end");
        if number > 0 {
            rounds.push((beside / alone, held, busy));
        }
        // The pool closes what it does not need.
        sleep(Duration::from_secs(1)).await;
    }
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (worst, _, _) = rounds.first().unwrap();
    let (median, _, _) = rounds.get(ROUNDS / 2).unwrap();
    let held = rounds.iter().map(|round| round.1).fold(f64::MIN, f64::max);
    let busy = rounds.iter().map(|round| round.2).max().unwrap();
    println!(
        "{WAITING} flows wait for a provider: GetUser at {median:.2} of its rate (worst round {worst:.2} of 0.95), \
         at most {held:.1} MiB more (of 30), {busy} connections to the database busy"
    );
}
