//! Runs the arms, and keeps what they need: servers, databases, scripts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use identity_link_test_support::process;

use super::{
    arms::{Arm, Peer, Place, Rpcs, Script},
    auth0::{self, Pair},
    calls,
    captured::Captured,
    client::{Answer, Client, HeldCall, Rpc},
    cluster::Cluster,
    feed,
    load::{self, Call},
    memory,
    options::Options,
    otlp,
    peers::Served,
    pgbench,
    sample::{Cpu, Round, Sample},
    scripts,
    server::Server,
};

/// The users of the small database.
const FEW: u64 = 10_000;
/// The arm at half of whose rate the open loops run.
pub(super) const HIGHEST: Arm = Arm::Calls(Rpcs::GetUser, Place::Service, 64);

pub(super) struct Bench<'a> {
    cluster: &'a Cluster,
    options: &'a Options,
    program: &'a Path,
    databases: BTreeMap<u64, String>,
    servers: BTreeMap<Place, Server>,
    scripts: BTreeMap<Script, PathBuf>,
    captured: Option<Captured>,
    peers: BTreeMap<Peer, Served>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(cluster: &'a Cluster, options: &'a Options, program: &'a Path) -> Self {
        Self {
            cluster,
            options,
            program,
            databases: BTreeMap::new(),
            servers: BTreeMap::new(),
            scripts: BTreeMap::new(),
            captured: None,
            peers: BTreeMap::new(),
        }
    }

    /// Makes everything that the arm needs, before any arm is measured.
    pub(super) async fn prepare(&mut self, arm: Arm) {
        match arm {
            Arm::Calls(_, place, _) | Arm::Overload(_, place) => self.start(place).await,
            Arm::LinksByHttp(_) => {
                self.start(Place::Service).await;
                let pair = Pair::of_service(self.options.users, 0);
                auth0::check(self.servers[&Place::Service].address, auth0::headers(), &pair).await;
            }
            Arm::Refusals(_) => self.start(Place::Full).await,
            Arm::CallsAtRate | Arm::Events => self.start(Place::Service).await,
            Arm::Pgbench(script, _) => self.write(script).await,
            Arm::PgbenchAtRate => self.write(Script::GetUser).await,
            Arm::Idle | Arm::Connections | Arm::Watchers | Arm::Crowd => {
                self.database(self.options.users).await;
            }
            Arm::Peer(peer, _) => {
                if !self.peers.contains_key(&peer) {
                    self.peers.insert(peer, Served::start(peer, self.cluster).await);
                }
            }
        }
    }

    /// Runs an arm. Some arms depend on the samples that the round has so far.
    pub(super) async fn run(&self, arm: Arm, round: &Round) -> Sample {
        let half = || round.get(&HIGHEST).map(|sample| sample.rate / 2.0);
        match arm {
            Arm::Calls(rpcs, place, tasks) => {
                let call = self.call(rpcs, place, tasks).await;
                load::closed(
                    call,
                    tasks,
                    self.seconds(),
                    Answer::Ok,
                    self.cpu(&self.servers[&place]),
                )
                .await
            }
            Arm::LinksByHttp(tasks) => {
                let (server, users) = (&self.servers[&Place::Service], self.options.users);
                let pair = move |number| Pair::of_service(users, number);
                let call = auth0::call(server.address, auth0::headers(), tasks, pair).await;
                load::closed(call, tasks, self.seconds(), Answer::Ok, self.cpu(server)).await
            }
            Arm::Overload(rpcs, place) => {
                let (server, tasks) = (&self.servers[&place], Arm::OVERLOAD * place.slots());
                // A server takes at most 200 calls at once on each connection.
                let client = Client::connect_with(server.address, tasks.div_ceil(100)).await;
                let call = calls::call(rpcs, client, self.options.users, tasks);
                load::closed(call, tasks, self.seconds(), Answer::Ok, self.cpu(server)).await
            }
            Arm::Refusals(tasks) => self.refusals(tasks).await,
            Arm::Pgbench(script, clients) => self.pgbench(script, clients, None),
            Arm::CallsAtRate => {
                let call = self.call(Rpcs::GetUser, Place::Service, 1).await;
                load::open(
                    call,
                    half().unwrap(),
                    self.seconds(),
                    self.cpu(&self.servers[&Place::Service]),
                )
                .await
            }
            Arm::PgbenchAtRate => self.pgbench(Script::GetUser, 64, half()),
            Arm::Events => {
                feed::delays(self.servers[&Place::Service].address, self.seconds()).await
            }
            Arm::Idle | Arm::Connections | Arm::Watchers | Arm::Crowd => {
                let url = self.cluster.url(&self.databases[&self.options.users]);
                memory::sample(arm, self.program, &self.cluster.folder, &url, self.options).await
            }
            Arm::Peer(peer, tasks) => {
                let peer = &self.peers[&peer];
                let (call, cpu) = (peer.call(tasks).await, self.cpu(&peer.server));
                load::closed(call, tasks, self.seconds(), Answer::Ok, cpu).await
            }
        }
    }

    /// The server that answers the calls of an arm.
    pub(super) fn server(&self, arm: Arm) -> Option<&Server> {
        match arm {
            Arm::Calls(_, place, _) | Arm::Overload(_, place) => self.servers.get(&place),
            Arm::LinksByHttp(_) => self.servers.get(&Place::Service),
            Arm::Refusals(_) => self.servers.get(&Place::Full),
            _ => None,
        }
    }

    fn seconds(&self) -> f64 {
        self.options.seconds.into()
    }

    fn users(&self, place: Place) -> u64 {
        if place == Place::Few { FEW } else { self.options.users }
    }

    async fn call(&self, rpcs: Rpcs, place: Place, tasks: usize) -> Call {
        let client = Client::connect(self.servers[&place].address).await;
        calls::call(rpcs, client, self.users(place), tasks)
    }

    /// `GetUser` on a server whose only slot is taken.
    async fn refusals(&self, tasks: usize) -> Sample {
        let address = self.servers[&Place::Full].address;
        let _held = HeldCall::begin(address, &Rpc::of_identities("GetUser")).await;
        let call = self.call(Rpcs::GetUser, Place::Full, tasks).await;
        while call(0, 0).await == Answer::Ok {}
        load::closed(
            call,
            tasks,
            self.seconds(),
            Answer::Refused,
            self.cpu(&self.servers[&Place::Full]),
        )
        .await
    }

    fn pgbench(&self, script: Script, clients: usize, rate: Option<f64>) -> Sample {
        let run = pgbench::Run {
            cluster: self.cluster,
            database: &self.databases[&self.options.users],
            users: self.options.users,
            script: &self.scripts[&script],
            clients,
            seconds: self.options.seconds,
            rate,
            is_look_up: !matches!(script, Script::CreateUser | Script::LinkAndUnlink),
        };
        run.sample()
    }

    /// Reads the CPU time of all parties of an arm with this server.
    fn cpu(&self, server: &Server) -> impl Fn() -> Cpu {
        || Cpu {
            client: process::cpu(std::process::id()),
            server: server.cpu(),
            postgres: self.cluster.cpu(),
        }
    }

    async fn start(&mut self, place: Place) {
        if self.servers.contains_key(&place) {
            return;
        }
        let database = self.database(self.users(place)).await;
        let (folder, url) = (&self.cluster.folder, self.cluster.url(&database));
        let mut program = self.program;
        let more = match place {
            Place::Prototype => {
                let prototype = Server::prototype(folder, &url, self.captured().await);
                self.servers.insert(place, prototype);
                return;
            }
            Place::Service | Place::Few => String::new(),
            Place::Wide | Place::Narrow => format!("max_concurrent_calls = {}", place.slots()),
            Place::Full => "max_concurrent_calls = 1\nmax_call_time = \"1h\"".to_owned(),
            // The line that says where it serves stays.
            Place::Silent => "log = \"off,identity_link::server=info\"".to_owned(),
            Place::Traced => {
                let receiver = otlp::receiver().await;
                format!("tracing = {{ endpoint = \"http://{receiver}\", one_in = 100 }}")
            }
            Place::Other => {
                program = self.options.other.as_deref().unwrap();
                self.options.other_config.clone()
            }
        };
        let name = format!("{place:?}");
        self.servers.insert(place, Server::service(program, folder, &name, &url, &more));
    }

    /// The database with so many users.
    async fn database(&mut self, users: u64) -> String {
        if !self.databases.contains_key(&users) {
            let name = self.cluster.database(&users.to_string(), users).await;
            self.databases.insert(users, name);
        }
        self.databases[&users].clone()
    }

    async fn write(&mut self, script: Script) {
        self.database(self.options.users).await;
        let statements = match script {
            Script::LinkAndUnlink => {
                let captured = self.captured().await;
                [&*captured.link, &*captured.unlink].concat()
            }
            Script::CreateUser => self.captured().await.create.clone(),
            _ => Vec::new(),
        };
        let file = scripts::write(&self.cluster.folder, script, &statements);
        self.scripts.insert(script, file);
    }

    async fn captured(&mut self) -> &Captured {
        if self.captured.is_none() {
            self.captured = Some(Captured::take(self.cluster, self.program).await);
        }
        self.captured.as_ref().unwrap()
    }
}
