//! Limits in shadow.

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use serde_json::Value;
use tonic::transport::Endpoint;

use crate::support::{child::Running, cluster::cluster, tokens::Token, *};

/// What would be refused is carried out, and the log has one line of it in a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_in_shadow_refuses_nothing_and_is_logged_once_a_minute() {
    let limits = "[rate_limits.services]\nreads = \"2/h\"\nwrites = \"1/h\"\nshadow = true\n";
    let (child, address) = Running::serve(&cluster().db_migrated().await, |toml| toml + limits);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let user = service.create("github", "h1").await;
    for _ in 0..10 {
        service.get_user(pb::GetUserRequest { user_id: user.id.clone() }).await.unwrap();
    }
    child.signal(Signal::TERM);
    let ran = child.finish();
    let lines: Vec<Value> = ran
        .stderr
        .lines()
        .filter(|line| line.contains("rate limit"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    let field = |name: &str| line[name].to_string();
    assert_eq!(
        ["level", "message", "caller", "class", "limit", "times"].map(field),
        [
            "\"WARN\"",
            "\"a rate limit in shadow would have refused calls\"",
            "\"service\"",
            "\"reads\"",
            "\"2/h\"",
            "1"
        ]
    );
}
