//! The arms: what runs in turns.

use std::fmt;

/// One thing that runs and is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arm {
    /// Calls of one kind, by so many tasks in a closed loop.
    Calls(Rpcs, Place, usize),
    /// `Link`, then `Unlink`, by Auth0's HTTP and HTTP/1.1, by so many tasks in a closed loop.
    LinksByHttp(usize),
    /// Calls of one kind to a server, by ten times as many tasks in a closed loop as it has slots.
    /// Its units are the calls that were carried out.
    Overload(Rpcs, Place),
    /// `OVERLOADED`, to so many tasks in a closed loop.
    Refusals(usize),
    /// Transactions of pgbench, by so many clients in a closed loop.
    Pgbench(Script, usize),
    /// `GetUser` at half of the rate of the closed loop of 64, in an open loop.
    CallsAtRate,
    /// The same rate by `pgbench --rate`.
    PgbenchAtRate,
    /// The time from a commit to a watcher.
    Events,
    /// A server that nobody calls, once.
    Idle,
    /// Calls in flight on 256 connections, one on each, once.
    Connections,
    /// A server with a thousand watchers, and no calls.
    Watchers,
    /// 248 calls in flight and 1,000 watchers, once.
    Crowd,
    /// Calls of another system over HTTP/1.1, by so many tasks in a closed loop.
    Peer(Peer, usize),
}

/// Other systems that hold accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// `list-accounts`, in one process of Node.js on the same cluster.
    BetterAuth,
    /// `Link`, then `Unlink`, in one process of Node.js on a file of SQLite.
    AuthHero,
    /// A link that matrix-authentication-service adds, then deletes, on the same cluster.
    Mas,
}

/// The kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rpcs {
    HealthCheck,
    GetUser,
    FindByIdentity,
    FindByEmail,
    /// `ResolveUsers` with 100 ids.
    Resolve100,
    CreateUser,
    /// `Link`, then `Unlink`.
    LinkAndUnlink,
}

/// The servers, each with its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The service with its defaults, and many users.
    Service,
    /// The same with `max_concurrent_calls = 1024`.
    Wide,
    /// The service with its defaults, and 10,000 users.
    Few,
    /// The service with `max_concurrent_calls = 16`.
    Narrow,
    /// The service with `max_concurrent_calls = 1`, and a call that keeps this slot.
    Full,
    /// The plain prototype on the database with many users.
    Prototype,
    /// The service without the lines of its calls in the log.
    Silent,
    /// The service, which records one call of 100 and exports the traces.
    Traced,
    /// The build that the options name, with their configuration.
    Other,
}

/// The scripts of pgbench, on the database with many users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Script {
    GetUser,
    FindByIdentity,
    FindByEmail,
    /// What the service sends for `CreateUser`.
    CreateUser,
    /// What the service sends for `Link` and `Unlink`.
    LinkAndUnlink,
}

impl Place {
    /// The number of calls that the server carries out at once.
    pub(super) fn slots(self) -> usize {
        match self {
            Self::Narrow => 16,
            Self::Full => 1,
            Self::Wide => 1024,
            _ => 128,
        }
    }
}

impl Arm {
    /// How many tasks for each slot overload a server.
    pub(super) const OVERLOAD: usize = 10;

    /// Whether it takes long, so that it runs in the first round only.
    pub(super) fn runs_once(self) -> bool {
        matches!(self, Self::Idle | Self::Connections | Self::Watchers | Self::Crowd)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(rpcs, Place::Service, tasks) => write!(f, "{rpcs:?} c={tasks}"),
            Self::Calls(rpcs, place, tasks) => write!(f, "{rpcs:?} c={tasks} on {place:?}"),
            Self::LinksByHttp(tasks) => write!(f, "LinkAndUnlink by HTTP c={tasks}"),
            Self::Overload(rpcs, place) => {
                write!(f, "{rpcs:?} c={} on {place:?}", Self::OVERLOAD * place.slots())
            }
            Self::Refusals(tasks) => write!(f, "Refusals c={tasks} on Full"),
            Self::Pgbench(script, clients) => write!(f, "pgbench {script:?} c={clients}"),
            Self::CallsAtRate => f.write_str("GetUser at a rate"),
            Self::PgbenchAtRate => f.write_str("pgbench GetUser at a rate"),
            Self::Events => f.write_str("Events"),
            Self::Idle => f.write_str("Idle"),
            Self::Connections => f.write_str("Connections"),
            Self::Watchers => f.write_str("Watchers"),
            Self::Crowd => f.write_str("Crowd"),
            Self::Peer(peer, tasks) => write!(f, "{peer:?} c={tasks}"),
        }
    }
}
