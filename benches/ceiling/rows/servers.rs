//! What a server does under too much load, for watchers, with its memory, and with its log and traces.

use super::*;

pub(super) fn overload() -> Vec<Row> {
    const OVER: Arm = Calls(Rpcs::GetUser, Place::Service, 256);
    const AT: Arm = Calls(Rpcs::GetUser, Place::Service, 128);
    const REFUSED: Arm = Refusals(64);
    const NOTHING: Arm = Calls(Rpcs::HealthCheck, Place::Full, 64);
    const HALF_OF_READS: Arm = Calls(Rpcs::GetUser, Place::Narrow, 8);
    const READS: Arm = Overload(Rpcs::GetUser, Place::Narrow);
    const HALF_OF_WRITES: Arm = Calls(Rpcs::CreateUser, Place::Narrow, 8);
    const WRITES: Arm = Overload(Rpcs::CreateUser, Place::Narrow);
    let p99 = |name, what, arm, half| {
        cost(name, what, "", [3.0, 2.0], vec![half, arm], move |round| {
            round[&arm].p99 / round[&half].p99
        })
    };
    let refused = |name, what, arm| {
        cost(name, what, " ms", [50.0, 45.0], vec![arm], move |round| {
            round[&arm].refused_p99 / 1000.0
        })
    };
    vec![
        p99(
            "overload.reads",
            "p99 of the GetUser carried out, c=160 with 16 slots ÷ c=8",
            READS,
            HALF_OF_READS,
        ),
        refused("overload.reads.refused", "p99 of the refused ones", READS),
        p99(
            "overload.writes",
            "p99 of the CreateUser carried out, c=160 with 16 slots ÷ c=8",
            WRITES,
            HALF_OF_WRITES,
        ),
        refused("overload.writes.refused", "p99 of the refused ones", WRITES),
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

pub(super) fn feed() -> Vec<Row> {
    vec![cost("events", "from commit to watcher, p50", " ms", [15.0, 5.0], vec![Events], |round| {
        round[&Events].p50 / 1000.0
    })]
}

pub(super) fn memory() -> Vec<Row> {
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
        peak("memory.watchers", "memory with 1,000 watchers and no calls", [50.0, 40.0], Watchers),
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
pub(super) fn telemetry() -> Vec<Row> {
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
pub(super) fn other() -> Vec<Row> {
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
