//! Calls against pgbench and the prototype.

use super::*;

pub(super) fn links() -> Vec<Row> {
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
pub(super) fn look_up(name: &str, rpcs: Rpcs, script: Script) -> Vec<Row> {
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

pub(super) fn with_pgbench(arm: Arm, script: Script) -> Vec<Arm> {
    let pgbench = PGBENCH.map(|clients| Pgbench(script, clients));
    [arm].into_iter().chain(pgbench).collect()
}

/// pgbench's best rate.
pub(super) fn best(round: &Round, script: Script) -> f64 {
    let rates = PGBENCH.map(|clients| round[&Pgbench(script, clients)].rate);
    rates.into_iter().fold(0.0, f64::max)
}

pub(super) fn others() -> Vec<Row> {
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
