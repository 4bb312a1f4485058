//! A log that is not read: the pipe is full, and calls go on.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Stdio},
};

use futures_util::future::join_all;
use identity_link::grpc::proto::{FindByEmailRequest, GetUserRequest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{
    child,
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

/// More calls than have room in the pipe and in the server.
const CALLS: usize = 10_000;
const IN_FLIGHT: usize = 50;

/// A server whose log is read up to the line that it serves.
struct Unread {
    child: Child,
    stderr: BufReader<ChildStderr>,
    channel: Channel,
}

impl Drop for Unread {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Unread {
    fn serve(database: &Database) -> Self {
        let file = child::config_file(database, |toml| {
            // Health checks, too: they are cheap.
            format!("log = \"info,identity_link::call=debug\"\n{toml}")
        });
        let mut command = child::binary(&["serve", "--config", file.to_str().unwrap()]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            stderr.read_line(&mut line).unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "serving" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { child, stderr, channel }
    }

    async fn check_health(&self, times: usize) {
        join_all((0..IN_FLIGHT).map(|_| async {
            let mut health = HealthClient::new(self.channel.clone());
            for _ in 0..times / IN_FLIGHT {
                health.check(HealthCheckRequest::default()).await.unwrap();
            }
        }))
        .await;
    }

    /// Ends the server, and returns all lines that were not read yet.
    fn lines(mut self) -> Vec<Value> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut text = String::new();
        self.stderr.read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_the_log_is_not_read() {
    let database = cluster().db_migrated().await;
    let server = Unread::serve(&database);

    server.check_health(CALLS).await;
    for trace in 0..20 {
        let caller = Caller::new(server.channel.clone(), None)
            .with_metadata("traceparent", &format!("00-{trace:032x}-00f067aa0ba902b7-01"));
        refusal(caller.get_user(GetUserRequest::default()).await);
    }
    database.db_execute("ALTER TABLE identities RENAME COLUMN email_canonical TO found_by").await;
    let backend =
        Caller::new(server.channel.clone(), Some(Token::of("services", "backend").sign()));
    let find = FindByEmailRequest { email: "ann@example.com".to_owned(), ..Default::default() };
    assert_eq!(backend.find_by_email(find).await.unwrap_err().code(), Code::Internal);

    let lines = server.lines();
    let of = |key: &str, value: &str| lines.iter().filter(|line| line[key] == value).count();
    // Calls are lost first, and counted.
    let lost: Vec<&Value> = lines.iter().filter(|line| !line["calls"].is_null()).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0]["level"], "WARN");
    assert_eq!(lost[0]["others"], 0);
    let lost = usize::try_from(lost[0]["calls"].as_u64().unwrap()).unwrap();
    let kept = of("rpc", "grpc.health.v1.Health/Check");
    assert!(kept > 1000 && lost > 1000, "{kept} kept, {lost} lost");
    // The last one is that of the call that failed.
    assert_eq!(kept + lost, CALLS + 1);
    // Refused tokens and faults are there, in their order.
    let refused = lines.iter().filter(|line| line["reason"] == "TOKEN_MISSING");
    let traces: Vec<&str> = refused.map(|line| line["trace_id"].as_str().unwrap()).collect();
    let sent: Vec<String> = (0..20).map(|trace| format!("{trace:032x}")).collect();
    assert_eq!(traces, sent);
    assert_eq!(of("message", "internal fault"), 1);
    assert_eq!(of("message", "stopped"), 1);
}
