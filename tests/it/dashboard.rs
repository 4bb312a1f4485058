//! The dashboard and the alerts of `deploy/`, loaded by Prometheus against the metrics of a real
//! server, and the pages that explain them.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use http::Request;
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use identity_link::grpc::proto as pb;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use super::{
    management::{channel, serving},
    metrics::scraped,
};
use crate::support::{
    child::{Running, run_command, temp_dir},
    cluster::cluster,
    debian,
    tokens::Token,
    *,
};

const DASHBOARD: &str = "deploy/grafana/identity-link.json";
const ALERTS: &str = "deploy/prometheus/alerts.yaml";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The queries of all panels, each with the panel's title. The variables of Grafana have values.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_slice(&fs::read(DASHBOARD).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| {
            let query = target["expr"].as_str().unwrap();
            let query = query
                .replace("$job", "identity-link")
                .replace("$instance", ".*")
                .replace("$__rate_interval", "5s");
            (title.clone(), query)
        })
    };
    panels.flat_map(of_panel).collect()
}

/// The names of metrics in a text, without the endings that Prometheus adds to a name.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("identity_link_"));
    names.map(|name| family(name).to_owned()).collect()
}

fn family(name: &str) -> &str {
    let ends = ["_bucket", "_count", "_sum", "_total"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// The rows of the reference: the name of each metric, and its labels.
fn documented() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string("docs/reference/metrics.md").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `identity_link_"));
    let code = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name: Vec<String> = code(cells[0]);
        (family(&name[0]).to_owned(), code(cells[2]))
    })
    .collect()
}

/// Each name that is registered in the code.
fn registered() -> BTreeSet<String> {
    let folder = fs::read_dir("src/telemetry/metrics").unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let files = files.chain([PathBuf::from("src/telemetry/metrics.rs")]);
    let code: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let calls = ["registered(", "registered_times(", "r.register("];
    let texts = calls.iter().flat_map(|call| code.split(call).skip(1));
    let first_text = |text: &str| {
        let before_end = text.split(')').next().unwrap();
        before_end.split('"').nth(1).map(str::to_owned)
    };
    texts.filter_map(first_text).map(|name| format!("identity_link_{name}")).collect()
}

#[test]
fn the_reference_has_each_metric_once_and_no_other() {
    let documented: Vec<String> = documented().into_iter().map(|(name, _)| name).collect();
    let set: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(set.len(), documented.len());
    let registered: BTreeSet<String> =
        registered().iter().map(|name| family(name).to_owned()).collect();
    // The name of what tells the version ends in `_info`, as OpenMetrics has it.
    let set: BTreeSet<String> =
        set.into_iter().map(|name| name.trim_end_matches("_info").to_owned()).collect();
    assert_eq!(set, registered);
}

#[test]
fn no_panel_and_no_alert_names_a_metric_that_does_not_exist() {
    let documented: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    let alerts = fs::read_to_string(ALERTS).unwrap();
    for (from, text) in queries().into_iter().chain([("the alerts".to_owned(), alerts)]) {
        let unknown: Vec<String> = names(&text).difference(&documented).cloned().collect();
        assert_eq!(unknown, [""; 0], "{from}");
    }
}

#[test]
fn each_alert_has_a_section_that_says_what_to_do() {
    let alerts = fs::read_to_string(ALERTS).unwrap();
    let page = fs::read_to_string("docs/how-to/alerts.md").unwrap();
    let named: Vec<&str> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(sections, named);
    for name in named {
        let link = format!("runbook: docs/how-to/alerts.md#{}", name.to_lowercase());
        assert!(alerts.contains(&link), "{name}");
    }
}

/// A Prometheus that scrapes this management listener, and its address.
async fn prometheus(management: SocketAddr) -> (Running, SocketAddr) {
    let dir = temp_dir("prometheus");
    let alerts = fs::canonicalize(ALERTS).unwrap();
    let config = format!(
        "global: {{ scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms }}\n\
         rule_files: [{}]\n\
         scrape_configs:\n  - job_name: identity-link\n    static_configs: [{{ targets: [\"{management}\"] }}]\n",
        alerts.display()
    );
    let file = dir.join("prometheus.yml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(debian::program(&["prometheus"]));
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .arg("--log.format=json");
    let mut child = Running::start(command);
    let line = child.stderr_until(|line| line.contains("Listening on"));
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap().parse().unwrap();
    (child, address)
}

/// The response of Prometheus's HTTP API.
async fn asked(prometheus: SocketAddr, path: &str) -> Value {
    let stream = TokioIo::new(TcpStream::connect(prometheus).await.unwrap());
    let (mut client, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("/api/v1/{path}")).header("host", "a");
    let response = client.send_request(request.body(String::new()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["status"], "success", "{path}: {told}");
    told["data"].clone()
}

async fn result(prometheus: SocketAddr, query: &str) -> Vec<Value> {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let data = asked(prometheus, &format!("query?query={query}")).await;
    data["result"].as_array().unwrap().clone()
}

/// The panels that show something only after what this test does not cause.
const QUIET: [&str; 8] = [
    "Statements that failed",
    "Writes that began again",
    "Attempts to read keys that failed",
    "Flows at providers, by step",
    "Events of providers, by outcome",
    "Rows that the sweep removed",
    "In flight, by rpc",
    "Age of the oldest discarded metadata, by tenant",
];

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_metrics_and_answers_each_panel() {
    let database = cluster().db_migrated().await;
    let (_child, management, calls) = serving(&database, |toml| toml);
    let (_prometheus, prometheus) = prometheus(management).await;
    let service = Caller::new(channel(calls), Some(Token::of("services", "backend").sign()));
    let account = |provider: &str, subject: &str| {
        sign_in_with(pb::ProvenAccount {
            identity_ref: identity_ref(provider, subject),
            email: "ann@example.com".to_owned(),
            email_verified: true,
            ..Default::default()
        })
    };

    // A rate needs calls before and between scrapes: they go on until each panel has its answer.
    let panels = queries();
    assert!(panels.len() > 30, "{panels:?}");
    let mut number = 0;
    let mut silent: Vec<&(String, String)> =
        panels.iter().filter(|(title, _)| !QUIET.contains(&title.as_str())).collect();
    let all_answer = async {
        while !silent.is_empty() {
            number += 1;
            let mail = format!("ann{number}@example.com");
            for provider in ["google-oauth2", "github"] {
                let mut request = account(provider, &number.to_string());
                if let Some(pb::resolve_sign_in_request::Proof::Account(account)) =
                    &mut request.proof
                {
                    account.email.clone_from(&mail);
                }
                service.resolve_sign_in(request).await.unwrap();
            }
            refusal(service.get_user(get("nobody")).await);
            let mut left = Vec::new();
            for panel in std::mem::take(&mut silent) {
                if result(prometheus, &panel.1).await.is_empty() {
                    left.push(panel);
                }
            }
            silent.extend(left);
        }
    };
    let answered = timeout(PATIENCE, all_answer).await;
    let silent: Vec<&str> = silent.iter().map(|(title, _)| title.as_str()).collect();
    assert!(answered.is_ok(), "these panels stay empty: {silent:?}");
    for (title, query) in panels.iter().filter(|(title, _)| QUIET.contains(&title.as_str())) {
        let shown = result(prometheus, query).await;
        assert!(shown.len() < 20, "{title}: {shown:?}");
    }

    // The alerts are loaded, and none of them fires.
    let rules = asked(prometheus, "rules").await;
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    let alerts = fs::read_to_string(ALERTS).unwrap();
    assert_eq!(rules.len(), alerts.matches("- alert: ").count());
    for rule in rules {
        assert_eq!((&rule["health"], &rule["state"]), (&"ok".into(), &"inactive".into()), "{rule}");
    }

    // Each label is documented.
    let documented = documented();
    let (_, text) = scraped(management, "*/*").await;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let row = documented.iter().find(|(known, _)| known == family(name));
        let (_, labels) = row.unwrap_or_else(|| panic!("{name} is not documented"));
        let told = line.split_once('{').map_or("", |(_, rest)| rest.split('}').next().unwrap());
        for label in told.split("\",").filter_map(|pair| pair.split_once('=')).map(|(key, _)| key) {
            assert!(label == "le" || labels.iter().any(|known| known == label), "{line}");
        }
    }
}

/// The page is well-formed as Prometheus's own tool judges it: names, units, and texts.
#[tokio::test(flavor = "multi_thread")]
async fn promtool_has_no_objection() {
    let database = cluster().db_migrated().await;
    let (_child, management, calls) = serving(&database, |toml| toml);
    let service = Caller::new(channel(calls), Some(Token::of("services", "backend").sign()));
    service.create("google-oauth2", "a").await;
    debian::program(&["prometheus"]);

    let (_, text) = scraped(management, "*/*").await;
    let file = temp_dir("promtool").join("metrics.txt");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("promtool check metrics < {}", file.display()));
    let ran = run_command(command);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let mut command = Command::new("promtool");
    command.args(["check", "rules"]).arg(Path::new(ALERTS));
    let ran = run_command(command);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}
