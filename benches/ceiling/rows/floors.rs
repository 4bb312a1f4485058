//! What the prototype reaches in rows that a service with its rules hardly can meet.

use super::{
    rates::{best, with_pgbench},
    *,
};

/// All of them.
pub(super) fn all() -> Vec<Row> {
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
