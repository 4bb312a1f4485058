//! The rows of the result: what is compared, and the target.

mod floors;
mod peers;
mod rates;
mod servers;

use super::{
    arms::{
        Arm::{
            self, Calls, CallsAtRate, Connections, Crowd, Events, Idle, Overload, Pgbench,
            PgbenchAtRate, Refusals, Watchers,
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
    let mut rows = rates::links();
    let look_ups = [
        ("find-by-identity", Rpcs::FindByIdentity, Script::FindByIdentity),
        ("get-user", Rpcs::GetUser, Script::GetUser),
        ("find-by-email", Rpcs::FindByEmail, Script::FindByEmail),
    ];
    for (name, rpcs, script) in look_ups {
        rows.extend(rates::look_up(name, rpcs, script));
    }
    rows.extend(rates::others());
    rows.extend(servers::overload());
    rows.extend(servers::feed());
    rows.extend(servers::memory());
    rows.extend(servers::telemetry());
    rows.extend(floors::all());
    if options.other.is_some() {
        rows.extend(servers::other());
    }
    if options.peers {
        rows.push(peers::better_auth());
        rows.extend(peers::authhero());
        rows.extend(peers::mas());
    }
    rows
}
