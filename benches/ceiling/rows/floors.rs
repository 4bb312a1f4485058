//! What the prototype reaches in rows that a service with its rules hardly can meet.

use super::{
    super::sample::Sample,
    rates::{best, with_pgbench},
    *,
};

/// All but those of other systems.
pub(super) fn all() -> Vec<Row> {
    const PAIRS: Arm = Calls(Rpcs::LinkAndUnlink, Place::Prototype, 8);
    const SAME_PAIRS: Arm = Pgbench(Script::LinkAndUnlink, 8);
    const CREATE: Arm = Calls(Rpcs::CreateUser, Place::Prototype, 8);
    const SAME_CREATE: Arm = Pgbench(Script::CreateUser, 8);
    const LOOK_UP: Arm = Calls(Rpcs::GetUser, Place::Prototype, 64);
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
        rate(
            "floor.create.cpu",
            "CPU of CreateUser by pgbench and Postgres ÷ by client, prototype and Postgres, c=8",
            [0.9, 1.0],
            vec![CREATE, SAME_CREATE],
            |round| all_cpu(&round[&SAME_CREATE]) / all_cpu(&round[&CREATE]),
        ),
        cost(
            "floor.cpu.c64",
            "CPU of the prototype per GetUser, c=64",
            " µs",
            [60.0, 45.0],
            vec![LOOK_UP],
            |round| round[&LOOK_UP].server,
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

/// The CPU per unit of all parties.
fn all_cpu(sample: &Sample) -> f64 {
    sample.client + sample.server + sample.postgres
}
