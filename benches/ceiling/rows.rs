//! The rows of the result: what is compared, and the target.

use super::{
    arms::{
        Arm::{
            self, Calls, CallsAtRate, Connections, Crowd, Events, Idle, Pgbench, PgbenchAtRate,
            Refusals,
        },
        Peer, Place, Rpcs, Script,
    },
    bench::HIGHEST,
    calls::RESOLVED,
    options::Options,
    sample::Round,
};

/// The numbers of clients of which pgbench's best counts.
const PGBENCH: [usize; 4] = [8, 16, 32, 64];
/// The numbers of tasks with whose look-ups the CPU is judged, and with the limit on calls.
const AT_64: Arm = HIGHEST;
const AT_256: Arm = Calls(Rpcs::GetUser, Place::Wide, 256);
const PROTOTYPE: Arm = Calls(Rpcs::GetUser, Place::Prototype, 256);

pub(super) struct Row {
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) target: f64,
    /// What would be better still.
    pub(super) reach: f64,
    /// Whether a higher value is better.
    pub(super) is_rate: bool,
    pub(super) arms: Vec<Arm>,
    pub(super) value: Box<dyn Fn(&Round) -> f64>,
}

impl Row {
    /// The worst of these values.
    pub(super) fn worst(&self, values: &[f64]) -> f64 {
        let worse = if self.is_rate { f64::min } else { f64::max };
        values.iter().copied().reduce(worse).unwrap_or(f64::NAN)
    }

    pub(super) fn is_met_by(&self, value: f64) -> bool {
        if self.is_rate { value >= self.target } else { value <= self.target }
    }
}

/// A row that a higher value is better for.
fn rate(
    name: &str,
    what: &'static str,
    [target, reach]: [f64; 2],
    arms: Vec<Arm>,
    value: impl Fn(&Round) -> f64 + 'static,
) -> Row {
    let value = Box::new(value);
    Row { name: name.to_owned(), what, unit: "", target, reach, is_rate: true, arms, value }
}

/// A row that a lower value is better for.
fn cost(
    name: &str,
    what: &'static str,
    unit: &'static str,
    [target, reach]: [f64; 2],
    arms: Vec<Arm>,
    value: impl Fn(&Round) -> f64 + 'static,
) -> Row {
    let value = Box::new(value);
    Row { name: name.to_owned(), what, unit, target, reach, is_rate: false, arms, value }
}

/// All rows.
pub(super) fn all(options: &Options) -> Vec<Row> {
    let mut rows = links();
    let look_ups = [
        ("find-by-identity", Rpcs::FindByIdentity, Script::FindByIdentity),
        ("get-user", Rpcs::GetUser, Script::GetUser),
        ("find-by-email", Rpcs::FindByEmail, Script::FindByEmail),
    ];
    for (name, rpcs, script) in look_ups {
        rows.extend(look_up(name, rpcs, script));
    }
    rows.extend(others());
    rows.extend(overload());
    rows.extend(feed());
    rows.extend(memory());
    rows.extend(telemetry());
    rows.extend(floors());
    if options.other.is_some() {
        rows.extend(other());
    }
    if options.peers {
        rows.extend([better_auth(), authhero(), mas()]);
    }
    rows
}

fn links() -> Vec<Row> {
    const MANY: Arm = Calls(Rpcs::LinkAndUnlink, Place::Service, 8);
    const FEW: Arm = Calls(Rpcs::LinkAndUnlink, Place::Few, 8);
    const SAME: Arm = Pgbench(Script::LinkAndUnlink, 8);
    vec![
        cost(
            "link.growth",
            "time of a Link and an Unlink: many users ÷ 10,000 users, c=8",
            "",
            [1.10, 1.05],
            vec![MANY, FEW],
            |round| round[&FEW].rate / round[&MANY].rate,
        ),
        rate(
            "link.pgbench",
            "Link and Unlink per second ÷ pgbench with the same SQL, c=8",
            [0.95, 1.1],
            vec![MANY, SAME],
            |round| round[&MANY].rate / round[&SAME].rate,
        ),
        cost(
            "link.cpu",
            "CPU of one Link or Unlink: server and Postgres",
            " ms",
            [1.0, 0.8],
            vec![MANY],
            |round| (round[&MANY].server + round[&MANY].postgres) / 2.0 / 1000.0,
        ),
    ]
}

/// The rows of one look-up.
fn look_up(name: &str, rpcs: Rpcs, script: Script) -> Vec<Row> {
    let (at_64, at_256) = (Calls(rpcs, Place::Service, 64), Calls(rpcs, Place::Wide, 256));
    let (alone, nothing) =
        (Calls(rpcs, Place::Service, 1), Calls(Rpcs::HealthCheck, Place::Service, 1));
    let pgbench_alone = Pgbench(script, 1);
    vec![
        rate(
            &format!("{name}.c64"),
            "answers per second, c=64 ÷ pgbench's best",
            [0.70, 0.82],
            with_pgbench(at_64, script),
            move |round| round[&at_64].rate / best(round, script),
        ),
        rate(
            &format!("{name}.c256"),
            "the same, c=256 and max_concurrent_calls = 1024",
            [1.0, 1.3],
            with_pgbench(at_256, script),
            move |round| round[&at_256].rate / best(round, script),
        ),
        cost(
            &format!("{name}.c1"),
            "time of one call alone ÷ (pgbench's and Health/Check's)",
            "",
            [1.15, 1.05],
            vec![alone, pgbench_alone, nothing],
            move |round| {
                let floor = 1.0 / round[&pgbench_alone].rate + 1.0 / round[&nothing].rate;
                1.0 / round[&alone].rate / floor
            },
        ),
    ]
}

fn with_pgbench(arm: Arm, script: Script) -> Vec<Arm> {
    let pgbench = PGBENCH.map(|clients| Pgbench(script, clients));
    [arm].into_iter().chain(pgbench).collect()
}

/// pgbench's best rate.
fn best(round: &Round, script: Script) -> f64 {
    let rates = PGBENCH.map(|clients| round[&Pgbench(script, clients)].rate);
    rates.into_iter().fold(0.0, f64::max)
}

fn others() -> Vec<Row> {
    const RESOLVE: Arm = Calls(Rpcs::Resolve100, Place::Service, 64);
    const CREATE: Arm = Calls(Rpcs::CreateUser, Place::Service, 8);
    const SAME: Arm = Pgbench(Script::CreateUser, 8);
    vec![
        rate(
            "resolve",
            "ids per second by ResolveUsers(100), c=64 ÷ pgbench's best at GetUser",
            [9.0, 11.0],
            with_pgbench(RESOLVE, Script::GetUser),
            |round| RESOLVED as f64 * round[&RESOLVE].rate / best(round, Script::GetUser),
        ),
        rate(
            "create",
            "CreateUser per second ÷ pgbench with the same SQL, c=8",
            [0.9, 1.0],
            vec![CREATE, SAME],
            |round| round[&CREATE].rate / round[&SAME].rate,
        ),
        rate(
            "prototype",
            "GetUser per second ÷ the plain prototype, c=256",
            [1.5, 2.0],
            vec![AT_256, PROTOTYPE],
            |round| round[&AT_256].rate / round[&PROTOTYPE].rate,
        ),
        cost(
            "cpu.c64",
            "server CPU per GetUser, c=64",
            " µs",
            [60.0, 45.0],
            vec![AT_64, Calls(Rpcs::GetUser, Place::Prototype, 64)],
            |round| round[&AT_64].server,
        ),
        cost(
            "cpu.c256",
            "server CPU per GetUser, c=256 and max_concurrent_calls = 1024",
            " µs",
            [45.0, 30.0],
            vec![AT_256, PROTOTYPE],
            |round| round[&AT_256].server,
        ),
        cost(
            "rate.p99",
            "p99 of GetUser at half of the highest rate ÷ pgbench --rate at that rate",
            "",
            [1.3, 1.1],
            vec![HIGHEST, CallsAtRate, PgbenchAtRate],
            |round| round[&CallsAtRate].p99 / round[&PgbenchAtRate].p99,
        ),
    ]
}

fn overload() -> Vec<Row> {
    const OVER: Arm = Calls(Rpcs::GetUser, Place::Service, 256);
    const AT: Arm = Calls(Rpcs::GetUser, Place::Service, 128);
    const REFUSED: Arm = Refusals(64);
    const NOTHING: Arm = Calls(Rpcs::HealthCheck, Place::Full, 64);
    vec![
        rate(
            "overload.answers",
            "answers per second with default limits, c=256 ÷ c=128",
            [0.95, 1.0],
            vec![OVER, AT],
            |round| round[&OVER].rate / round[&AT].rate,
        ),
        cost(
            "overload.refusal",
            "server CPU of a refusal ÷ that of Health/Check, c=64",
            "",
            [1.1, 1.0],
            vec![REFUSED, NOTHING],
            |round| round[&REFUSED].server / round[&NOTHING].server,
        ),
    ]
}

fn feed() -> Vec<Row> {
    vec![cost("events", "from commit to watcher, p50", " ms", [15.0, 5.0], vec![Events], |round| {
        round[&Events].p50 / 1000.0
    })]
}

fn memory() -> Vec<Row> {
    let peak = |name, what, target, arm| {
        cost(name, what, " MiB", target, vec![arm], move |round| round[&arm].memory)
    };
    let growth = |name, arm| {
        let what = "the same at the end ÷ after a quarter of the time";
        cost(name, what, "", [1.05, 1.0], vec![arm], move |round| round[&arm].growth)
    };
    vec![
        peak("memory.idle", "memory of a server without calls", [25.0, 20.0], Idle),
        peak(
            "memory.connections",
            "memory with calls in flight on 256 connections, at most",
            [60.0, 50.0],
            Connections,
        ),
        growth("memory.connections.growth", Connections),
        peak(
            "memory.peak",
            "memory with 248 calls in flight and 1,000 watchers, at most",
            [60.0, 50.0],
            Crowd,
        ),
        growth("memory.growth", Crowd),
    ]
}

/// What the log and the traces cost.
fn telemetry() -> Vec<Row> {
    const SILENT: Arm = Calls(Rpcs::GetUser, Place::Silent, 64);
    const TRACED: Arm = Calls(Rpcs::GetUser, Place::Traced, 64);
    vec![
        rate(
            "telemetry.log",
            "GetUser per second, c=64 ÷ without the log of the calls",
            [0.95, 1.0],
            vec![HIGHEST, SILENT],
            |round| round[&HIGHEST].rate / round[&SILENT].rate,
        ),
        rate(
            "telemetry.tracing",
            "GetUser per second, c=64, one call of 100 recorded ÷ without traces",
            [0.98, 1.0],
            vec![TRACED, HIGHEST],
            |round| round[&TRACED].rate / round[&HIGHEST].rate,
        ),
    ]
}

/// The service against another build of it.
fn other() -> Vec<Row> {
    let row = |name, what, rpcs, tasks| {
        let (arm, other) = (Calls(rpcs, Place::Service, tasks), Calls(rpcs, Place::Other, tasks));
        rate(name, what, [0.95, 1.0], vec![arm, other], move |round| {
            round[&arm].rate / round[&other].rate
        })
    };
    vec![
        row("other.get-user", "GetUser per second, c=64 ÷ the other build", Rpcs::GetUser, 64),
        row(
            "other.link",
            "Link and Unlink per second, c=8 ÷ the other build",
            Rpcs::LinkAndUnlink,
            8,
        ),
    ]
}

/// What the prototype reaches in rows that a service with its rules hardly can meet.
fn floors() -> Vec<Row> {
    const PAIRS: Arm = Calls(Rpcs::LinkAndUnlink, Place::Prototype, 8);
    const SAME_PAIRS: Arm = Pgbench(Script::LinkAndUnlink, 8);
    const CREATE: Arm = Calls(Rpcs::CreateUser, Place::Prototype, 8);
    const SAME_CREATE: Arm = Pgbench(Script::CreateUser, 8);
    const ALONE: Arm = Calls(Rpcs::GetUser, Place::Prototype, 1);
    const NOTHING: Arm = Calls(Rpcs::HealthCheck, Place::Service, 1);
    const PGBENCH_ALONE: Arm = Pgbench(Script::GetUser, 1);
    const RESOLVE: Arm = Calls(Rpcs::Resolve100, Place::Prototype, 64);
    vec![
        rate(
            "floor.link",
            "Link and Unlink of the prototype ÷ pgbench with the same SQL, c=8",
            [0.95, 1.1],
            vec![PAIRS, SAME_PAIRS],
            |round| round[&PAIRS].rate / round[&SAME_PAIRS].rate,
        ),
        cost(
            "floor.link.cpu",
            "CPU of one Link or Unlink of the prototype: server and Postgres",
            " ms",
            [1.0, 0.8],
            vec![PAIRS],
            |round| (round[&PAIRS].server + round[&PAIRS].postgres) / 2.0 / 1000.0,
        ),
        rate(
            "floor.create",
            "CreateUser of the prototype ÷ pgbench with the same SQL, c=8",
            [0.9, 1.0],
            vec![CREATE, SAME_CREATE],
            |round| round[&CREATE].rate / round[&SAME_CREATE].rate,
        ),
        cost(
            "floor.c1",
            "time of one GetUser of the prototype ÷ (pgbench's and Health/Check's)",
            "",
            [1.15, 1.05],
            vec![ALONE, PGBENCH_ALONE, NOTHING],
            |round| {
                let floor = 1.0 / round[&PGBENCH_ALONE].rate + 1.0 / round[&NOTHING].rate;
                1.0 / round[&ALONE].rate / floor
            },
        ),
        rate(
            "floor.resolve",
            "ids per second by ResolveUsers(100) of the prototype ÷ pgbench's best at GetUser",
            [9.0, 11.0],
            with_pgbench(RESOLVE, Script::GetUser),
            |round| RESOLVED as f64 * round[&RESOLVE].rate / best(round, Script::GetUser),
        ),
    ]
}

fn better_auth() -> Row {
    const PEER: [Arm; 2] = [Arm::Peer(Peer::BetterAuth, 8), Arm::Peer(Peer::BetterAuth, 32)];
    rate(
        "better-auth",
        "GetUser per second, c=256 ÷ Better Auth's list-accounts, the best of c=8 and c=32",
        [28.0, 35.0],
        [AT_256].into_iter().chain(PEER).collect(),
        |round| round[&AT_256].rate / round[&PEER[0]].rate.max(round[&PEER[1]].rate),
    )
}

fn authhero() -> Row {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: [Arm; 2] = [Arm::Peer(Peer::AuthHero, 1), Arm::Peer(Peer::AuthHero, 8)];
    rate(
        "authhero",
        "Link and Unlink per second by HTTP/1.1, c=8 ÷ AuthHero's, the best of c=1 and c=8",
        [4.0, 6.0],
        [HERE].into_iter().chain(PEER).collect(),
        |round| round[&HERE].rate / round[&PEER[0]].rate.max(round[&PEER[1]].rate),
    )
}

fn mas() -> Row {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: Arm = Arm::Peer(Peer::Mas, 8);
    rate(
        "matrix-authentication-service",
        "Link and Unlink per second by HTTP/1.1, c=8 ÷ MAS's link added and deleted, c=8",
        [0.9, 1.2],
        vec![HERE, PEER],
        |round| round[&HERE].rate / round[&PEER].rate,
    )
}
