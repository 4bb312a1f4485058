//! `purge`: removes what has expired, and ends.

use std::time::Duration;

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

/// What is removed from one tenant, with the numbers of rows.
struct Job {
    tenant: TenantId,
    erased: usize,
    answers: usize,
    tickets: usize,
    attempts: usize,
    tokens: usize,
    jobs: usize,
    discarded: usize,
    events: usize,
    imports: usize,
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
        let store = Store::open(&config.database.address, 1, config.policies(), &Metrics::default()).await?;
        let mut jobs: Vec<Job> =
            tenants.into_iter().map(|tenant| Job { tenant, erased: 0, answers: 0, tickets: 0, attempts: 0, tokens: 0, jobs: 0, discarded: 0, events: 0, imports: 0 }).collect();
        let bar = bar(&store, &jobs, old).await?;
        let outcome = purge(&store, &mut jobs, old, &bar, &stop).await;
        bar.finish_and_clear();
        // Also after an interruption: what is removed stays removed.
        for Job { tenant, erased, answers, tickets, attempts, tokens, jobs, discarded, events, imports } in &jobs {
            say(&format!(
                "{tenant}: removed {answers} expired responses, {tickets} expired tickets, {attempts} expired attempts to sign in, {tokens} expired event tokens, {jobs} rows of forgotten jobs, the discarded metadata of {discarded} links, {events} old \
                 events, the progress of {imports} ended imports, and {erased} rows that deletions had left"
            ))?;
        }
        match outcome? {
            PurgeEnd::Complete => Ok(()),
            PurgeEnd::Stopped => {
                Err(Failure { text: "stopped before the end: run it again for the rest".to_owned(), code: EX_INTERRUPTED })
            }
        }
    })
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
    for Job {
        tenant,
        erased,
        answers,
        tickets,
        attempts,
        tokens,
        jobs,
        discarded,
        events,
        imports,
    } in jobs
    {
        for (what, count) in [
            (Leftovers::Erasures, erased),
            (Leftovers::ExpiredResponses, answers),
            (Leftovers::ExpiredTickets, tickets),
            (Leftovers::ExpiredAttempts, attempts),
            (Leftovers::ExpiredEventTokens, tokens),
            (Leftovers::ExpiredJobs, jobs),
            (old.discarded, discarded),
            (old.imports, imports),
            (old.events, events),
        ] {
            loop {
                if stop.is_cancelled() {
                    return Ok(PurgeEnd::Stopped);
                }
                match store.session(tenant).await?.remove_some(what).await? {
                    0 => break,
                    removed => {
                        *count += removed;
                        bar.inc(u64::try_from(removed).unwrap_or_default());
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
        for Job { tenant, .. } in jobs {
            for what in [
                Leftovers::Erasures,
                Leftovers::ExpiredResponses,
                Leftovers::ExpiredTickets,
                Leftovers::ExpiredAttempts,
                Leftovers::ExpiredEventTokens,
                Leftovers::ExpiredJobs,
                old.discarded,
                old.imports,
                old.events,
            ] {
                bar.inc_length(store.session(tenant).await?.count_leftovers(what).await?);
            }
        }
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
