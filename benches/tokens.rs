//! The cost of tokens: the rate at which bad ones are refused, compared with good ones in the same
//! run; and the saving by the cache of verified tokens. Prints ratios. `cargo bench --bench tokens`

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{sync::Arc, time::Instant};

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::join_all;
use identity_link::{
    auth::{Issuers, Keys, TokenUse},
    clock,
    config::Config,
    http_client::HttpClient,
};
use identity_link_test_support::{
    TestServer,
    server::config_toml,
    tokens::{Token, keys_dir},
};
use serde_json::json;

const GET_USER: &str = "/identitylink.v1.IdentityService/GetUser";
/// No such rpc: the cost of a call whose token is accepted, and nothing more.
const NOTHING: &str = "/identitylink.v1.IdentityService/Nothing";
const ROUNDS: usize = 7;
const CALLS: usize = 4000;
const IN_FLIGHT: usize = 50;

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this argument: then nothing is measured.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    flood().await;
    remembered().await;
}

/// Calls per second with good and with bad tokens.
async fn flood() {
    let server = Arc::new(TestServer::start().await);
    server.service().create("github", "1").await;
    let good = Token::of("github", "1");
    let signed = good.sign();
    let (body, signature) = signed.rsplit_once('.').unwrap();
    let mut forged = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    forged[10] ^= 1;
    let mut unknown = good.clone();
    unknown.header.kid = Some("unknown".to_owned());
    let now = clock::now().timestamp();
    let kinds = [
        ("good, a user is read", GET_USER, signed.clone()),
        ("good, nothing is read", NOTHING, signed.clone()),
        ("garbage", NOTHING, "garbage".to_owned()),
        ("over 8 KiB", NOTHING, "x".repeat(8193)),
        ("unknown issuer", NOTHING, Token::of("stranger", "1").sign()),
        ("unknown key", NOTHING, unknown.sign()),
        ("expired", NOTHING, good.clone().issued_ago(1000).with("exp", now - 60).sign()),
        ("forged signature", NOTHING, format!("{body}.{}", BASE64URL_NOPAD.encode(&forged))),
    ];
    let mut rates = vec![Vec::new(); kinds.len()];
    for _ in 0..ROUNDS {
        // In turns, so that other load of the machine affects all of them.
        for (rates, (_, path, token)) in rates.iter_mut().zip(&kinds) {
            rates.push(rate(&server, path, token).await);
        }
    }
    let rates = rates.into_iter().map(median).collect::<Vec<_>>();
    println!("calls per second, client and server on one machine, as multiples of the first line:");
    for ((kind, ..), rate) in kinds.iter().zip(&rates) {
        println!("  {kind:<24} {:>6.2}", rate / rates[0]);
    }
}

async fn rate(server: &Arc<TestServer>, path: &'static str, token: &str) -> f64 {
    let authorization = format!("Bearer {token}");
    let begun = Instant::now();
    let lanes = (0..IN_FLIGHT).map(|_| {
        let (server, authorization) = (Arc::clone(server), authorization.clone());
        tokio::spawn(async move {
            for _ in 0..CALLS / IN_FLIGHT {
                drop(server.raw_authorized(path, &authorization).await);
            }
        })
    });
    for lane in join_all(lanes).await {
        lane.unwrap();
    }
    CALLS as f64 / begun.elapsed().as_secs_f64()
}

/// The cost of a token that was verified before, as a share of the cost of a new one.
async fn remembered() {
    keys_dir();
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), "postgres://a@127.0.0.1/x");
    let config = Config::parse(&toml, std::path::Path::new("."), []).unwrap();
    let http = HttpClient::new(&config.outgoing);
    let mut trusted = Vec::new();
    for issuer in config.issuers {
        let keys = Arc::new(Keys::new(issuer.keys.clone(), issuer.algorithms.clone()));
        keys.refresh(&http).await.unwrap();
        trusted.push((issuer, keys));
    }
    let issuers = Issuers::new(trusted);
    let tokens: Vec<String> = (0..4000)
        .map(|n| Token::of("github", "1").with("jti", json!(n.to_string())).sign())
        .collect();
    let mut costs = [Vec::new(), Vec::new()];
    for round in tokens.chunks(tokens.len() / ROUNDS) {
        for costs in &mut costs {
            let begun = Instant::now();
            for token in round {
                issuers.verify(token, TokenUse::Bearer, clock::now()).await.expect("it is good");
            }
            costs.push(begun.elapsed().as_secs_f64() / round.len() as f64);
        }
    }
    let [new, seen] = costs.map(median);
    println!(
        "verifying a token (EdDSA) that was seen before costs {:.3} of verifying a new one",
        seen / new
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
