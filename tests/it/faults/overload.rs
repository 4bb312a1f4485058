//! G20: more calls than the server carries out at once: clients that repeat each call as soon as it is
//! answered, refused or not.
//!
//! CI counts. The long run measures too, the program that `IDENTITY_LINK_PROGRAM` names if it is
//! set. Clients, server and database share one machine, so times compare with each other only. Ten
//! times as many clients as calls at once wait for `clients / throughput` on average, whatever the
//! server does: on two cores a debug build serves no 160 clients within 50 ms each.

mod crowd;
mod measured;

use std::{env, path::PathBuf, process::Command, time::Duration};

use self::{
    crowd::{Crowd, Heard, percentile},
    measured::Measured,
};
use crate::{
    management::{MANAGEMENT, serving_by},
    support::{
        artifacts,
        child::config_file,
        cluster::{Database, cluster},
    },
};

/// By how much the clients exceed `max_concurrent_calls`.
const EXCESS: usize = 10;

/// The codes of calls, as the metrics name them.
const ADMITTED: &str = "code=\"Ok\"";
const REFUSED: &str = "code=\"ResourceExhausted\"";

/// The bounds that the long run compares with.
const TIMES_HALF_LOAD: f64 = 3.0;
const REFUSED_WITHIN: Duration = Duration::from_millis(50);
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

/// How large a run is.
struct Extent {
    max_concurrent_calls: usize,
    /// How long the clients call at half load, before and after.
    half: Duration,
    /// How long they overload the server.
    overload: Duration,
}

/// What the clients heard.
struct Outcome {
    before: Heard,
    overload: Heard,
    after: Heard,
    links: usize,
    /// What the server measured at half load, and of the admitted and the refused calls above it.
    measured: [Measured; 3],
}

fn serve(database: &Database, max_concurrent_calls: usize) -> Command {
    let program = env::var_os("IDENTITY_LINK_PROGRAM");
    let mut command = Command::new(program.map_or_else(artifacts::service, PathBuf::from));
    command.args(["serve", "--config"]).arg(config_file(database, |toml| {
        format!(
            "log = \"warn,identity_link::server=info\"\n\
             max_concurrent_calls = {max_concurrent_calls}\n{toml}{MANAGEMENT}"
        )
    }));
    command
}

/// Half load, overload, and half load again. Each call is answered, each answer to an admitted call
/// is right, each other one is a refusal that says when to call again, and no acknowledged link is
/// lost.
async fn overloaded(extent: &Extent) -> Outcome {
    let max = extent.max_concurrent_calls;
    let database = cluster().db_migrated().await;
    let (_child, management, address) = serving_by(serve(&database, max));
    let mut crowd = Crowd::gather(address, max * EXCESS).await;

    let begun = Measured::now(management, ADMITTED).await;
    let before = crowd.call(max.div_ceil(2), extent.half).await;
    let half = Measured::now(management, ADMITTED).await;
    let overload = crowd.call(max * EXCESS, extent.overload).await;
    let admitted = Measured::now(management, ADMITTED).await.since(&half);
    let refused = Measured::now(management, REFUSED).await;
    let after = crowd.call(max.div_ceil(2), extent.half).await;

    let links = crowd.expect_all_links().await;
    database.db_assert_invariants().await;
    let measured = [half.since(&begun), admitted, refused];
    Outcome { before, overload, after, links, measured }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_limit_each_call_is_carried_out_or_refused() {
    let second = Duration::from_secs(1);
    let extent = Extent { max_concurrent_calls: 8, half: second / 2, overload: 3 * second };

    let Outcome { before, overload, after, links, .. } = overloaded(&extent).await;

    assert_eq!(before.refused().len(), 0, "half load");
    assert!(!overload.admitted().is_empty() && !overload.refused().is_empty() && links > 0);
    assert!(!after.admitted().is_empty());
    assert_eq!(after.refused().len(), 0, "each call of the overload has given its slot back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: `just faults`"]
async fn overload_for_a_minute() {
    let extent = Extent {
        max_concurrent_calls: 16,
        half: Duration::from_secs(15),
        overload: Duration::from_secs(60),
    };

    let Outcome { before, overload, after, links, measured } = overloaded(&extent).await;

    let (half, admitted, refused) = (before.admitted(), overload.admitted(), overload.refused());
    let [half_p99, admitted_p99, refused_p99] =
        [&half, &admitted, &refused].map(|times| percentile(times, 99));
    let ratio = admitted_p99.as_secs_f64() / half_p99.as_secs_f64();
    let recovered = after.recovered(half_p99);
    let phases = ["half load", "admitted", "refused"];
    for ((name, times), measured) in phases.iter().zip([&half, &admitted, &refused]).zip(&measured)
    {
        let [p50, p99] = [50, 99].map(|hundredths| percentile(times, hundredths));
        println!(
            "overload: {name}: {} calls, p50 {p50:.1?}, p99 {p99:.1?}; by the server: 50 % within {:?}, \
             99 % within {:?}, {:.1} % within {REFUSED_WITHIN:?}",
            times.len(),
            measured.within(50.0),
            measured.within(99.0),
            measured.share(REFUSED_WITHIN),
        );
    }
    println!("overload: {links} links acknowledged, 0 lost");
    let met = |is_met: bool| if is_met { "met" } else { "MISSED" };
    println!(
        "overload: admitted p99 {ratio:.1} times that of half load, at most {TIMES_HALF_LOAD}: {}; \
         refused p99 at most {REFUSED_WITHIN:?}: {}; recovered after {recovered:?}, at most {RECOVERED_WITHIN:?}: {}",
        met(ratio <= TIMES_HALF_LOAD),
        met(refused_p99 <= REFUSED_WITHIN),
        met(recovered <= RECOVERED_WITHIN),
    );
}
