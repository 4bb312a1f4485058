//! The scenarios of `clients/conformance/scenarios`, through the client of one language.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use data_encoding::BASE64;
use identity_link::grpc::proto as pb;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    driver::Driver,
    seen::{decoded, differences, request_id, rpc},
};
use crate::support::{
    TestServer,
    child::temp_dir,
    delete,
    relay::{Attempt, Fault, Relay},
    tls::{Authority, TlsClient},
    tokens::Token,
};

/// How many seconds a call may take on a busy machine, unless a scenario is about that.
const PATIENCE: u64 = 50;

/// An address at which nothing listens: the port is privileged, and its service (RFC 1078) is extinct.
const NOWHERE: &str = "127.0.0.1:1";

const FOLDER: &str = "clients/conformance/scenarios";

/// Every scenario, in the order of the files.
fn scenarios() -> Vec<Value> {
    let mut files: Vec<_> =
        fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read =
        |file| -> Vec<Value> { serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap() };
    files.iter().flat_map(read).collect()
}

/// Carries every scenario out, and panics with all that differs.
pub(super) async fn all_hold(mut driver: Driver) {
    let scenarios = scenarios();
    assert!(scenarios.len() > 25, "{} scenarios only", scenarios.len());
    // One server has all scenarios, one after the other: each begins without users.
    let server = TestServer::start().await;
    let (folder, authority) = (temp_dir("client_tls"), Authority::new("clients"));
    authority.issue().write(&folder);
    let secured = TestServer::start_tls(&folder, &TlsClient::new(&authority, None), |_| {}).await;
    let mut found = Vec::new();
    for scenario in &scenarios {
        let name = scenario["name"].as_str().unwrap();
        let differences = carry_out(&mut driver, &server, secured.address, scenario).await;
        clear(&server).await;
        found.extend(differences.iter().map(|difference| format!("{name}: {difference}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Deletes all users.
async fn clear(server: &TestServer) {
    let service = server.service();
    for user in service.list_users(pb::ListUsersRequest::default()).await.unwrap().users {
        let whole = pb::DeleteUserRequest { include_absorbed: true, ..delete(&user.id) };
        service.delete_user(whole).await.unwrap();
    }
}

/// What differs in one scenario; `secured` speaks TLS.
async fn carry_out(
    driver: &mut Driver,
    server: &TestServer,
    secured: SocketAddr,
    scenario: &Value,
) -> Vec<String> {
    let relay = Relay::start(server.address).await;
    let mut names = BTreeMap::new();
    for (name, account) in scenario["users"].as_object().into_iter().flatten() {
        let part = |at: usize| account[at].as_str().unwrap();
        let id = server.service().create(part(0), part(1)).await.id;
        names.insert(name.clone(), Value::String(id));
    }
    for fault in items(&scenario["relay"]) {
        for _ in 0..fault["times"].as_u64().unwrap_or(1) {
            relay.fail(fault["rpc"].as_str().unwrap(), fault_of(fault));
        }
    }
    let tokens: Vec<Value> = match items(&scenario["tokens"]) {
        [] => vec![token("service")],
        tokens => tokens.iter().map(|name| token(name.as_str().unwrap())).collect(),
    };
    let file = temp_dir(&format!("client_token_{}", server.address.port())).join("token");
    if scenario["token_file"].is_string() {
        put(&file, scenario);
    }
    let target = match scenario["server"].as_str() {
        None => relay.address.to_string(),
        Some("gone") => NOWHERE.to_owned(),
        Some("tls") => secured.to_string(),
        Some(other) => panic!("{other} is no server"),
    };
    let open = json!({"open": {
        "target": target, "tokens": tokens, "max_attempts": scenario["max_attempts"],
        "token_file": scenario["token_file"].as_str().map(|_| file.display().to_string()),
        "tls": scenario["tls"] == true,
        "timeout": (scenario["default_timeout"] != true).then_some(PATIENCE),
    }});
    assert_eq!(driver.ask(&open).await, json!({"opened": true}));

    let mut found = Vec::new();
    for (at, step) in items(&scenario["steps"]).iter().enumerate() {
        if step["token_file"].is_string() {
            put(&file, step);
            continue;
        }
        let expected = filled(&step["expect"], &names);
        let seen = driver.ask(&order(step, &names)).await;
        if let Some(hints) = step["hints"].as_bool() {
            let text = seen["error"]["text"].as_str().unwrap_or_default();
            let hint = format!("{target} has answered yet: check the address, and ");
            if (text.contains(&hint) && text.contains("TLS")) != hints {
                found.push(format!("step {at}: the error says {text}"));
            }
        }
        let seen = if step["resolve"].is_array() { ends(&seen) } else { seen };
        found.extend(
            differences(&expected, &seen).into_iter().map(|line| format!("step {at}{line}")),
        );
        if let Some(message) = seen["message"].as_str() {
            found.extend(same_message(step["call"].as_str().unwrap(), message, &relay));
        }
        let result = ["items", "error", "response"].into_iter().find(|name| !seen[name].is_null());
        names.insert(at.to_string(), seen[result.unwrap_or("response")].clone());
    }
    for expected in items(&scenario["attempts"]) {
        found.extend(wrong_attempts(&filled(expected, &names), &relay.attempts()));
    }
    if relay.faults_left() > 0 {
        found.push("the client made fewer attempts than there are faults".to_owned());
    }
    found
}

/// Puts a file with a token into the place of another, in one step; or none.
fn put(file: &Path, of: &Value) {
    let next = file.with_extension("next");
    let token = token(of["token_file"].as_str().unwrap());
    let Some(token) = token.as_str() else {
        // An earlier scenario may have left one.
        let _ = fs::remove_file(file);
        return;
    };
    fs::write(&next, format!("{token}\n")).unwrap();
    fs::rename(&next, file).unwrap();
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A bearer token of this kind; null for none.
fn token(kind: &str) -> Value {
    match kind {
        "service" => json!(Token::of("services", "backend").sign()),
        "expired" => {
            let token = Token::of("services", "backend").issued_ago(7200);
            let ended = token.claims["iat"].as_i64().unwrap() + 3600;
            json!(token.with("exp", ended).sign())
        }
        "garbled" => json!("not.a.token"),
        // The server still accepts it, since clocks differ.
        "ending" => {
            let token = Token::of("services", "backend");
            let ended = token.claims["iat"].as_i64().unwrap() - 5;
            json!(token.issued_ago(60).with("exp", ended).sign())
        }
        "none" => Value::Null,
        _ => panic!("{kind} is no kind of token"),
    }
}

fn fault_of(fault: &Value) -> Fault {
    let status = || Box::new(status(&fault["refuse"]));
    if let Some(message) = fault["answer"].as_str() {
        Fault::Answer(BASE64.decode(message.as_bytes()).unwrap())
    } else if fault["lose_response"] == true {
        Fault::LoseResponse
    } else if let Some(messages) = fault["end_after"].as_u64() {
        Fault::EndAfter(usize::try_from(messages).unwrap(), status())
    } else if fault["hold"] == true {
        Fault::Hold
    } else {
        Fault::Refuse(status())
    }
}

/// A status, as the server makes one if it has a reason.
fn status(of: &Value) -> Status {
    let code = match of["code"].as_str().unwrap() {
        "ABORTED" => Code::Aborted,
        "ALREADY_EXISTS" => Code::AlreadyExists,
        "DEADLINE_EXCEEDED" => Code::DeadlineExceeded,
        "FAILED_PRECONDITION" => Code::FailedPrecondition,
        "INTERNAL" => Code::Internal,
        "RESOURCE_EXHAUSTED" => Code::ResourceExhausted,
        "UNAVAILABLE" => Code::Unavailable,
        "UNKNOWN" => Code::Unknown,
        other => panic!("{other} has no code here"),
    };
    let Some(reason) = of["reason"].as_str() else {
        return Status::new(code, "a proxy says so");
    };
    let domain = of["domain"].as_str().unwrap_or("identity-link");
    let mut details = ErrorDetails::with_error_info(reason, domain, []);
    if let Some(delay) = of["retry_delay_ms"].as_u64() {
        details.set_retry_info(Some(Duration::from_millis(delay)));
    }
    Status::with_error_details(code, "the relay refuses", details)
}

/// The order of a step for a driver.
fn order(step: &Value, names: &BTreeMap<String, Value>) -> Value {
    if let Some(ids) = step["resolve"].as_array() {
        let times = usize::try_from(step["repeat"].as_u64().unwrap()).unwrap();
        let ids: Vec<Value> = std::iter::repeat_n(ids, times).flatten().cloned().collect();
        return json!({"resolve": filled(&json!(ids), names)});
    }
    let request = filled(&step["request"], names);
    if step["all"].is_string() {
        return json!({"all": step["all"], "request": request});
    }
    if step["stream"].is_string() {
        return json!({"stream": step["stream"], "requests": filled(&step["requests"], names)});
    }
    json!({
        "call": step["call"], "request": request, "timeout": step["timeout"],
        "metadata": step["metadata"],
    })
}

/// The first and the last of many items, and their number.
fn ends(seen: &Value) -> Value {
    let items = items(&seen["items"]);
    json!({"first": items.first(), "last": items.last(), "count": items.len(), "error": seen["error"]})
}

/// The value, with what its placeholders stand for.
fn filled(value: &Value, names: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let Some(name) = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) else {
                return value.clone();
            };
            if name == "uuid" {
                return json!(uuid::Uuid::new_v4());
            }
            let (name, path) = name.find('/').map_or((name, ""), |at| name.split_at(at));
            names[name].pointer(path).unwrap().clone()
        }
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, field)| (key.clone(), filled(field, names))).collect()
        }
        _ => value.clone(),
    }
}

/// Whether the caller has the very response that the server sent: each double, each presence, and
/// what the client does not know.
fn same_message(name: &str, message: &str, relay: &Relay) -> Option<String> {
    let attempts = relay.attempts();
    let last = attempts.iter().rfind(|attempt| attempt.rpc == name).unwrap();
    // Messages of one descriptor can be compared.
    let response = rpc(name).output();
    let sent = decoded(response.clone(), last.response.as_ref().unwrap());
    let had = decoded(response, &BASE64.decode(message.as_bytes()).unwrap());
    (sent != had).then(|| format!("{name}: the server sent {sent}, the caller has {had}"))
}

/// What differs in the attempts of an rpc.
fn wrong_attempts(expected: &Value, attempts: &[Attempt]) -> Vec<String> {
    let name = expected["rpc"].as_str().unwrap();
    let of_rpc: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.rpc == name).collect();
    // The body of a stream of requests is more than one message.
    let of_one_message = of_rpc.iter().filter(|_| !rpc(name).is_client_streaming());
    let ids: BTreeSet<String> =
        of_one_message.filter_map(|attempt| request_id(name, &attempt.message)).collect();
    let tokens: BTreeSet<&str> =
        of_rpc.iter().map(|attempt| attempt.authorization.as_str()).collect();
    let seen = json!({
        "rpc": name, "count": of_rpc.len(), "request_ids": ids.len(), "request_id": ids.first(),
        "tokens": tokens.len(),
    });
    let mut plain = expected.clone();
    for key in ["gap_ms", "one_deadline", "deadline_ms", "no_deadline"] {
        plain.as_object_mut().unwrap().remove(key);
    }
    let mut found = differences(&plain, &seen);
    let least = Duration::from_millis(expected["gap_ms"].as_u64().unwrap_or_default());
    if let Some(most) = expected["deadline_ms"].as_u64().map(Duration::from_millis) {
        let times = Vec::from_iter(of_rpc.iter().map(|attempt| attempt.timeout));
        if !times.iter().all(|time| time.is_some_and(|time| time <= most && time > most / 2)) {
            found.push(format!("{name}: the deadlines are in {times:?}, not in {most:?}"));
        }
    }
    if expected["no_deadline"] == true && of_rpc.iter().any(|attempt| attempt.timeout.is_some()) {
        found.push(format!("{name}: a stream has a deadline"));
    }
    for pair in of_rpc.windows(2) {
        let gap = pair[1].at - pair[0].at;
        if gap < least {
            found.push(format!("{name}: the client waited for {gap:?} instead of {least:?}"));
        }
        if expected["one_deadline"] == true && pair[1].timeout.unwrap() >= pair[0].timeout.unwrap()
        {
            found.push(format!("{name}: an attempt has as much time as the one before"));
        }
    }
    found
}
