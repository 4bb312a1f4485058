//! F18, F19, F20, F22: the endpoints of issuers and of a provider are sick in
//! every way at once, while callers of other issuers call. Their calls are served, the sick endpoints
//! get few requests, and all is well once they are, without a restart.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use identity_link::grpc::proto as pb;
use rustix::process::Pid;
use serde_json::json;
use tokio::{task::JoinHandle, time::timeout};
use tonic::transport::Channel;

use crate::{
    access::stranger_jwk,
    flows::{alice, come_back, oidc, to_sign_in},
    management::{channel, got, serving},
    support::{
        child::Running,
        cluster::{Database, cluster},
        fake_oidc::FakeOidc,
        tokens::Token,
        web_server::{Answer, WebServer},
        *,
    },
};

const METADATA: &str = "/t/.well-known/openid-configuration";
const KEYS: &str = "/jwks";
/// How many callers of healthy issuers call, and how often each does in one round.
const HEALTHY: usize = 4;
const CALLS: usize = 40;
/// How many sign-ins wait for the provider.
const SIGN_INS: usize = 24;
const AT_ONCE: usize = 32;
/// How much more memory the server may take than before, in KiB.
const MEMORY: u64 = 64 * 1024;
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the endpoints at this address send while they are sick.
fn sicknesses(address: SocketAddr, path: &str) -> Vec<(&'static str, Answer)> {
    let begin = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    vec![
        ("resets", Answer::Reset),
        ("hangs", Answer::Begin(Vec::new())),
        ("stops", Answer::Begin(begin.clone())),
        ("drips", Answer::Drip([begin.clone(), vec![b' '; 1000]].concat())),
        ("fails", Answer::status("500 Internal Server Error")),
        ("says nonsense", Answer::ok("<html>")),
        ("speaks no HTTP", Answer::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec())),
        ("never ends", Answer::Endless([begin, vec![b' '; 4096]].concat())),
        ("redirects to itself", Answer::redirect(&format!("http://{address}{path}"))),
    ]
}

/// An issuer of services whose endpoint can be sick.
struct Issuer {
    sickness: &'static str,
    iss: String,
    web: WebServer,
    /// The path that is sick: that of its keys, or of its metadata.
    path: &'static str,
    sick: Answer,
}

impl Issuer {
    /// One issuer for each sickness, all of which are sick.
    async fn all(path: &'static str) -> Vec<Self> {
        let mut all = Vec::new();
        for number in 0..sicknesses(([127, 0, 0, 1], 0).into(), path).len() {
            let web = WebServer::of_keys(keys()).await;
            let (sickness, sick) = sicknesses(web.address, path).swap_remove(number);
            let iss = match path {
                METADATA => format!("http://{}/t", web.address),
                _ => format!("https://sick-{number}.example.com"),
            };
            let issuer = Self { sickness, iss, web, path, sick };
            issuer.fall_sick();
            all.push(issuer);
        }
        all
    }

    fn toml(&self, number: usize) -> String {
        let source = match self.path {
            METADATA => "discovery = true".to_owned(),
            _ => format!("jwks_url = \"http://{}{KEYS}\"", self.web.address),
        };
        format!(
            "[issuers.sick-{number}]\nissuer = \"{}\"\nalgorithms = [\"EdDSA\"]\n{source}\nkind = \"service\"\n\
             tenant = \"default\"\naudiences = [\"identity-link\"]\nallowed_scopes = [\"read:users\"]\n\
             jwks_refresh = \"1s\"\njwks_max_age = \"4s\"\n",
            self.iss
        )
    }

    fn fall_sick(&self) {
        self.web.answer(self.path, self.sick.clone());
    }

    fn get_well(&self) {
        let base = format!("http://{}", self.web.address);
        let metadata = json!({"issuer": self.iss, "jwks_uri": format!("{base}{KEYS}")});
        self.web.answer(METADATA, Answer::ok(&metadata.to_string()));
        self.web.answer(KEYS, keys());
    }

    /// A service with a token of this issuer.
    fn caller(&self, channel: &Channel) -> Caller {
        let token = Token::of("stranger", "backend").with("iss", self.iss.as_str());
        Caller::new(channel.clone(), Some(token.scope("read:users").sign()))
    }
}

fn keys() -> Answer {
    Answer::ok(&json!({"keys": [stranger_jwk("1")]}).to_string())
}

/// The memory that a process has taken at most, and takes now, in KiB.
fn memory(pid: Pid, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// A server that trusts all of these, and what calls it.
struct Ward {
    database: Database,
    child: Running,
    management: SocketAddr,
    channel: Channel,
    issuers: Vec<Issuer>,
    provider: FakeOidc,
    service: Caller,
    user_id: String,
    /// Each linked user, and the account that was linked to it.
    linked: Vec<(String, String)>,
}

impl Ward {
    async fn open() -> Self {
        let database = cluster().db_migrated().await;
        let mut issuers = Issuer::all(KEYS).await;
        issuers.extend(Issuer::all(METADATA).await);
        let provider = FakeOidc::start(alice()).await;
        let trusted: String =
            issuers.iter().enumerate().map(|(number, issuer)| issuer.toml(number)).collect();
        let further = oidc("fake", &provider.issuer) + &trusted;
        let (child, management, calls) =
            serving(&database, |toml| format!("max_concurrent_calls = {AT_ONCE}\n{toml}{further}"));
        let channel = channel(calls);
        let service = Caller::new(channel.clone(), Some(Token::of("services", "backend").sign()));
        let user_id = service.create("google-oauth2", "healthy").await.id;
        let linked = Vec::new();
        Self { database, child, management, channel, issuers, provider, service, user_id, linked }
    }

    /// What `/readyz` says of each sick issuer, which must be the same for all; the server stays
    /// ready.
    async fn until_keys_are(&self, expected: &str) {
        let all = async {
            loop {
                let (code, report) = got(self.management, "/readyz").await;
                assert_eq!((code, &report["status"]), (200, &json!("ready")));
                let told = |iss: &str| {
                    let all = report["issuers"].as_array().unwrap();
                    all.iter().find(|issuer| issuer["issuer"] == iss).unwrap()["keys"].clone()
                };
                assert_eq!(told("https://services.example.com"), "present");
                let is_so = |issuer: &Issuer| told(&issuer.iss) == expected;
                if self.issuers.iter().all(is_so) {
                    return;
                }
            }
        };
        timeout(PATIENCE, all).await.expect("the report should name the issuers");
    }

    /// Sign-ins at the provider that have come back, before it falls sick.
    async fn sign_ins(&self) -> Vec<pb::CompleteSignInRequest> {
        let mut requests = Vec::new();
        for _ in 0..SIGN_INS {
            let begun = self.service.start_sign_in(to_sign_in("fake")).await.unwrap();
            requests.push(come_back(&begun).await);
        }
        requests
    }

    /// Completes them, which all fail.
    fn complete(&self, requests: Vec<pb::CompleteSignInRequest>) -> Vec<JoinHandle<String>> {
        let complete = |request| {
            let service = self.service.clone();
            tokio::spawn(async move { refusal(service.complete_sign_in(request).await) })
        };
        requests.into_iter().map(complete).collect()
    }

    /// Calls of healthy issuers, all of which are served.
    fn healthy_calls(&self, round: usize) -> Vec<JoinHandle<Vec<(String, String)>>> {
        let calls = |number: usize| {
            let service = self.service.clone();
            tokio::spawn(async move {
                let mut linked = Vec::new();
                for n in 0..CALLS / 4 {
                    let subject = format!("{round}-{number}-{n}");
                    let primary = service.create("google-oauth2", &subject).await.id;
                    let secondary = service.create("github", &subject).await.id;
                    service.link(link_user(&primary, &secondary)).await.unwrap();
                    service.user(&primary).await;
                    linked.push((primary, format!("github|{subject}")));
                }
                linked
            })
        };
        (0..HEALTHY).map(calls).collect()
    }

    /// All are sick, and all call. Returns how many calls of healthy issuers were served, and how
    /// many of sick ones were refused.
    async fn sick_round(&mut self, round: usize, token_endpoint: Answer) -> (usize, usize) {
        let sign_ins = self.sign_ins().await;
        self.issuers.iter().for_each(Issuer::fall_sick);
        self.until_keys_are("missing").await;
        self.provider.web.answer("/token", token_endpoint);
        let exchanges = self.provider.exchanges();
        let (begun, before) = (Instant::now(), memory(self.child.pid(), "VmRSS:"));
        let asked: Vec<usize> = self.issuers.iter().map(|issuer| issuer.web.asked()).collect();

        let completing = self.complete(sign_ins);
        let healthy = self.healthy_calls(round);
        let mut refused = 0;
        while !healthy.iter().all(JoinHandle::is_finished) {
            let calls = self.issuers.iter().map(async |issuer| {
                let told = issuer.caller(&self.channel).get_user(get(&self.user_id)).await;
                assert_eq!(refusal(told), "Unavailable KEYS_UNAVAILABLE", "{}", issuer.sickness);
            });
            refused += join_all(calls).await.len();
        }
        for calls in healthy {
            self.linked.extend(calls.await.unwrap());
        }
        for completed in completing {
            assert_eq!(completed.await.unwrap(), "Unavailable PROVIDER_UNAVAILABLE");
        }

        // However many calls come, an issuer is asked once a second, and a provider once for each
        // sign-in.
        let most = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
        for (issuer, before) in self.issuers.iter().zip(asked) {
            let asked = issuer.web.asked() - before;
            assert!(asked <= most, "{} was asked {asked} times: {most}", issuer.sickness);
        }
        assert!(self.provider.exchanges() - exchanges <= SIGN_INS);
        let more = memory(self.child.pid(), "VmHWM:").saturating_sub(before);
        assert!(more <= MEMORY, "the server took {more} KiB more");
        (HEALTHY * CALLS, refused)
    }

    /// All are well again, and so is everything, without a restart.
    async fn well_again(&self) {
        self.issuers.iter().for_each(Issuer::get_well);
        self.until_keys_are("present").await;
        for issuer in &self.issuers {
            let served = async {
                let caller = issuer.caller(&self.channel);
                while caller.get_user(get(&self.user_id)).await.is_err() {}
            };
            timeout(PATIENCE, served).await.expect(issuer.sickness);
        }
        self.provider.web.answer_as_ever("/token");
        let begun = self.service.start_sign_in(to_sign_in("fake")).await.unwrap();
        self.service.complete_sign_in(come_back(&begun).await).await.unwrap();
        for (user_id, account) in &self.linked {
            assert!(identities(&self.service.user(user_id).await).contains(account));
        }
        self.database.db_assert_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sick_issuers_and_providers_cost_callers_of_others_nothing() {
    let mut ward = Ward::open().await;
    ward.sick_round(0, Answer::Begin(Vec::new())).await;
    assert_eq!(ward.provider.exchanges(), SIGN_INS, "each sign-in should wait for the provider");
    ward.well_again().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: `just faults`"]
async fn issuers_and_providers_are_sick_for_long() {
    let begun = Instant::now();
    let mut ward = Ward::open().await;
    let (mut served, mut refused, mut rounds) = (0, 0, 0);
    // As a response to a code, nonsense is a refusal for good, and not among these.
    let sicknesses = sicknesses(ward.provider.web.address, "/token");
    for (sickness, answer) in &sicknesses {
        if sickness == &"says nonsense" {
            continue;
        }
        let (well, sick) = ward.sick_round(rounds, answer.clone()).await;
        ward.well_again().await;
        (served, refused, rounds) = (served + well, refused + sick, rounds + 1);
    }
    println!(
        "issuers: {rounds} rounds of {} sick issuers and a provider, {served} calls of others served, \
         0 failed, {refused} calls of sick ones refused, {} links acknowledged, 0 lost, {:?}",
        ward.issuers.len(),
        ward.linked.len(),
        begun.elapsed()
    );
}
