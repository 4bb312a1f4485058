//! `purge`: removes what has expired, and ends.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::{ConfigFile, EX_INTERRUPTED, Failure, parse_duration, runtime, say, serve::on_signal};
use crate::{
    clock,
    domain::TenantId,
    store::{Leftovers, Store, StoreError},
    telemetry::metrics::Metrics,
};

#[derive(Args)]
pub(super) struct PurgeArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// How long discarded metadata is kept
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    keep_discarded: Duration,
}

/// What is removed from one tenant.
struct Job {
    tenant: TenantId,
    /// The numbers of rows, by the names of [`Leftovers`].
    removed: BTreeMap<&'static str, usize>,
}

/// What is old enough to be removed.
#[derive(Clone, Copy)]
struct Old {
    discarded: Leftovers,
    events: Leftovers,
    imports: Leftovers,
}

pub(super) fn run(arguments: &PurgeArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let discarded = before("--keep-discarded", arguments.keep_discarded)?;
    let events = before("feed.retention", config.feed.retention)?;
    let old = Old {
        discarded: Leftovers::DiscardedMetadata(discarded),
        events: Leftovers::OldEvents(events),
        imports: Leftovers::ended_imports(clock::now()),
    };
    let tenants: Vec<TenantId> = config.tenants.keys().cloned().collect();
    runtime()?.block_on(async {
        let stop = on_signal()?;
        // One connection: a purge is not in a hurry.
        let store =
            Store::open(&config.database.address, 1, config.policies(), &Metrics::default())
                .await?;
        let job = |tenant| Job { tenant, removed: BTreeMap::new() };
        let mut jobs: Vec<Job> = tenants.into_iter().map(job).collect();
        let bar = bar(&store, &jobs, old).await?;
        let outcome = purge(&store, &mut jobs, old, &bar, &stop).await;
        bar.finish_and_clear();
        // Also after an interruption: what is removed stays removed.
        for job in &jobs {
            say(&job.report(old))?;
        }
        match outcome? {
            PurgeEnd::Complete => Ok(()),
            PurgeEnd::Stopped => Err(Failure {
                text: "stopped before the end: run it again for the rest".to_owned(),
                code: EX_INTERRUPTED,
            }),
        }
    })
}

impl Old {
    /// All that is removed, in this order.
    fn all(self) -> [Leftovers; 12] {
        let [attempts, sessions, looks] = Leftovers::OF_CONSOLE;
        [
            Leftovers::Erasures,
            Leftovers::ExpiredResponses,
            Leftovers::ExpiredTickets,
            Leftovers::ExpiredAttempts,
            Leftovers::ExpiredEventTokens,
            attempts,
            sessions,
            looks,
            Leftovers::ExpiredJobs,
            self.discarded,
            self.imports,
            self.events,
        ]
    }
}

impl Job {
    /// What was removed, as a sentence.
    fn report(&self, old: Old) -> String {
        let Self { tenant, removed } = self;
        let of = |what: Leftovers| removed.get(what.name()).copied().unwrap_or_default();
        let console: usize = Leftovers::OF_CONSOLE.into_iter().map(of).sum();
        format!(
            "{tenant}: removed {} expired responses, {} expired tickets, {} expired attempts to sign in, {} expired event \
             tokens, {console} expired rows of the console, {} rows of forgotten jobs, the discarded metadata of {} links, {} \
             old events, the progress of {} ended imports, and {} rows that deletions had left",
            of(Leftovers::ExpiredResponses),
            of(Leftovers::ExpiredTickets),
            of(Leftovers::ExpiredAttempts),
            of(Leftovers::ExpiredEventTokens),
            of(Leftovers::ExpiredJobs),
            of(old.discarded),
            of(old.events),
            of(old.imports),
            of(Leftovers::Erasures),
        )
    }
}

enum PurgeEnd {
    Complete,
    Stopped,
}

/// Removes rows in small steps, until none is left or a stop is requested.
async fn purge(
    store: &Store,
    jobs: &mut [Job],
    old: Old,
    bar: &ProgressBar,
    stop: &CancellationToken,
) -> Result<PurgeEnd, StoreError> {
    for Job { tenant, removed } in jobs {
        for what in old.all() {
            loop {
                if stop.is_cancelled() {
                    return Ok(PurgeEnd::Stopped);
                }
                match store.session(tenant).await?.remove_some(what).await? {
                    0 => break,
                    rows => {
                        *removed.entry(what.name()).or_default() += rows;
                        bar.inc(u64::try_from(rows).unwrap_or_default());
                    }
                }
            }
        }
    }
    Ok(PurgeEnd::Complete)
}

/// Shows the progress on a terminal; elsewhere it shows nothing.
async fn bar(store: &Store, jobs: &[Job], old: Old) -> Result<ProgressBar, Failure> {
    let style = ProgressStyle::with_template("purging {wide_bar} {pos} of {len}")?;
    let bar = ProgressBar::new(0).with_style(style);
    if !bar.is_hidden() {
        let mut rows = 0;
        for Job { tenant, .. } in jobs {
            for what in old.all() {
                rows += store.session(tenant).await?.count_leftovers(what).await?;
            }
        }
        bar.set_length(rows);
        bar.tick();
    }
    Ok(bar)
}

/// The time before which rows have been kept for the duration `kept`.
fn before(name: &str, kept: Duration) -> Result<DateTime<Utc>, Failure> {
    let time =
        TimeDelta::from_std(kept).ok().and_then(|kept| clock::now().checked_sub_signed(kept));
    time.ok_or_else(|| Failure::usage(format!("{name}: is too long ago")))
}
