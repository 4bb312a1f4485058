//! Two replicas behind a balancer, and clients that call them without a pause.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    sync::{RwLock, watch},
    task::{JoinHandle, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use crate::support::{
    child::{Running, config_file},
    cluster::Database,
    tokens::Token,
    *,
};

const CLIENTS: usize = 4;
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The replicas to which the balancer sends calls: `None` for one that is being replaced. A call
/// holds its replica until it has its response, so a balancer that takes it out waits for that.
type Targets = Arc<[RwLock<Option<Channel>>; 2]>;

/// Two replicas on one database.
pub(super) struct Replicas {
    database: Database,
    running: [Option<Running>; 2],
    targets: Targets,
}

impl Replicas {
    /// Starts both with this program.
    pub(super) async fn start(program: &Path, database: &Database) -> Self {
        let mut replicas = Self {
            database: database.clone(),
            running: [None, None],
            targets: Arc::new([RwLock::new(None), RwLock::new(None)]),
        };
        replicas.replace(0, program).await;
        replicas.replace(1, program).await;
        replicas
    }

    /// Takes a replica out of the balancer, stops it, starts this program, and lets calls to it.
    pub(super) async fn replace(&mut self, n: usize, program: &Path) {
        *self.targets[n].write().await = None;
        if let Some(running) = self.running[n].take() {
            running.signal(Signal::TERM);
            let ran = running.finish();
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(config_file(&self.database, |toml| toml));
        let mut running = Running::start(command);
        let line = running.stderr_until(|line| line.contains(r#""message":"serving""#));
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = format!("http://{}", line["address"].as_str().unwrap());
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        *self.targets[n].write().await = Some(channel);
        self.running[n] = Some(running);
    }

    /// The links that are not there: each is the id of a user, and the subject that was linked to it.
    pub(super) async fn without(&self, linked: &[(String, String)]) -> Vec<String> {
        let channel = self.targets[0].read().await.clone().unwrap();
        let service = service(channel);
        let mut lost = Vec::new();
        for (user_id, subject) in linked {
            let identities = identities(&service.user(user_id).await);
            if !identities.contains(&format!("google-oauth2|{subject}")) {
                lost.push(format!("{user_id} {subject}"));
            }
        }
        lost
    }
}

fn service(channel: Channel) -> Caller {
    Caller::new(channel, Some(Token::of("services", "backend").sign()))
}

/// What the clients saw.
#[derive(Default)]
pub(super) struct Outcome {
    /// How many calls succeeded.
    pub calls: usize,
    /// The errors of all others.
    pub failed: Vec<String>,
    /// The links that were acknowledged, each as the id of the user and the linked subject.
    pub linked: Vec<(String, String)>,
}

/// Clients that call.
pub(super) struct Load {
    clients: Vec<JoinHandle<Outcome>>,
    stop: CancellationToken,
    calls: watch::Receiver<usize>,
}

impl Load {
    pub(super) fn start(replicas: &Replicas) -> Self {
        let (counted, calls) = watch::channel(0);
        let (counted, subjects) = (Arc::new(counted), Arc::new(AtomicUsize::new(0)));
        let stop = CancellationToken::new();
        let client = |number| {
            let client = Client {
                number,
                targets: Arc::clone(&replicas.targets),
                counted: Arc::clone(&counted),
                subjects: Arc::clone(&subjects),
                outcome: Outcome::default(),
            };
            tokio::spawn(client.call_until(stop.clone()))
        };
        Self { clients: (0..CLIENTS).map(client).collect(), stop: stop.clone(), calls }
    }

    /// Returns after this many more calls have ended.
    pub(super) async fn until_more_calls(&self, count: usize) {
        let mut calls = self.calls.clone();
        let enough = *calls.borrow() + count;
        timeout(PATIENCE, calls.wait_for(|calls| *calls >= enough))
            .await
            .expect("the clients should go on")
            .unwrap();
    }

    /// Ends the clients after their calls.
    pub(super) async fn end(self) -> Outcome {
        self.stop.cancel();
        let mut all = Outcome::default();
        for client in self.clients {
            let Outcome { calls, failed, linked } = client.await.unwrap();
            all.calls += calls;
            all.failed.extend(failed);
            all.linked.extend(linked);
        }
        all
    }
}

struct Client {
    number: usize,
    targets: Targets,
    counted: Arc<watch::Sender<usize>>,
    subjects: Arc<AtomicUsize>,
    outcome: Outcome,
}

impl Client {
    async fn call_until(mut self, stop: CancellationToken) -> Outcome {
        while !stop.is_cancelled() {
            let subject = self.subjects.fetch_add(1, Ordering::Relaxed).to_string();
            // A client whose call failed goes on with another user.
            let _ = self.link_two(&subject).await;
        }
        self.outcome
    }

    /// Makes two users and links them, and reads the result. Every second link is undone.
    async fn link_two(&mut self, subject: &str) -> Result<(), ()> {
        let new = |provider| pb::CreateUserRequest {
            identity: Some(pb::NewIdentity {
                identity_ref: identity_ref(provider, subject),
                ..Default::default()
            }),
            ..Default::default()
        };
        let github = self.called(async |s| s.create_user(new("github")).await).await?;
        let google = self.called(async |s| s.create_user(new("google-oauth2")).await).await?;
        let (primary, secondary) = (github.user.unwrap().id, google.user.unwrap().id);
        self.called(async |s| s.link(link_user(&primary, &secondary)).await).await?;
        self.called(async |s| s.get_user(pb::GetUserRequest { user_id: primary.clone() }).await)
            .await?;
        if subject.ends_with(['1', '3', '5', '7', '9']) {
            let undo = unlink(&primary, "google-oauth2", subject);
            self.called(async |s| s.unlink(undo.clone()).await).await?;
        } else {
            self.outcome.linked.push((primary, subject.to_owned()));
        }
        Ok(())
    }

    /// Makes a call at the replica of this client, or, while that is replaced, at the other one.
    async fn called<T>(
        &mut self,
        call: impl AsyncFnOnce(Caller) -> Result<T, Status>,
    ) -> Result<T, ()> {
        let targets = Arc::clone(&self.targets);
        let mut n = self.number % targets.len();
        let held = loop {
            if let Ok(held) = targets[n].try_read()
                && held.is_some()
            {
                break held;
            }
            n = (n + 1) % targets.len();
            yield_now().await;
        };
        let result = call(service(held.clone().unwrap())).await;
        drop(held);
        self.counted.send_modify(|calls| *calls += 1);
        match result {
            Ok(response) => {
                self.outcome.calls += 1;
                Ok(response)
            }
            Err(status) => {
                self.outcome.failed.push(status.to_string());
                Err(())
            }
        }
    }
}
