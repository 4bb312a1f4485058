//! Takes links back, the newest first.

use std::{collections::BTreeMap, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    Pace, PlansError, Report, SkipReason, refusal, unexpected,
    verdict::{Counts, Verdict, VerdictLine},
};
use crate::{
    auth::Permit,
    clock,
    domain::{DomainError, TenantId, unlinking::UnlinkMetadata},
    store::{LinkFilter, LinkPosition, PastLink},
    use_cases::{NotStored, UndoLink, UseCases},
};

/// How many links a page has.
const PAGE: usize = 100;

/// Takes the links back that match a filter, the newest first: what a later link of them stands in
/// front of can be undone when that one is.
pub struct Undo {
    /// The use cases, of a configuration that has the tenant.
    pub use_cases: Arc<UseCases>,
    /// The tenant of the links.
    pub tenant: TenantId,
    /// Which links are taken back.
    pub filter: LinkFilter,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

/// What became of the links.
#[derive(Debug, Default)]
pub struct Undone {
    /// How many links were undone, or would be.
    pub undone: u64,
    /// How many were undone before.
    pub already: u64,
    /// How many stand, for each reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl Undo {
    /// Takes the links back. `progress` is called with the number of links that are done. The counts
    /// in `undone` are right also after an error.
    ///
    /// # Errors
    /// [`PlansError`]; what is undone stays undone.
    pub async fn run(
        &self,
        mut pace: Pace<'_>,
        mut report: Report,
        progress: &(dyn Fn(u64) + Sync),
        stop: &CancellationToken,
        undone: &mut Undone,
    ) -> Result<(), PlansError> {
        let mut counts = Counts::default();
        let outcome = async {
            // A link that is made meanwhile is before the first one.
            let mut after = Some(LinkPosition::START);
            while let Some(position) = after {
                let mut session = self.use_cases.store().session(&self.tenant).await?;
                let page = session.links_of_tenant(&self.filter, position, PAGE).await?;
                drop(session);
                after = page.next;
                for past in &page.links {
                    if stop.is_cancelled() {
                        return Err(PlansError::Stopped);
                    }
                    let verdict = match past.link.undo_time {
                        Some(_) => Verdict::Already { link: Some(past.link.id) },
                        None => {
                            pace.turn(stop).await?;
                            pace.rest_after(self.undo(past)).await?
                        }
                    };
                    counts.add(verdict);
                    report.write(&VerdictLine {
                        line: None,
                        primary: &past.link.primary,
                        secondary: past.link.secondary.as_ref(),
                        verdict,
                    })?;
                    progress(counts.all());
                }
            }
            Ok(())
        };
        let outcome = outcome.await;
        *undone = Undone { undone: counts.done, already: counts.already, skipped: counts.skipped };
        outcome?;
        Ok(report.finish()?)
    }

    async fn undo(&self, past: &PastLink) -> Result<Verdict, PlansError> {
        let link = past.link.id;
        let undo = UndoLink {
            permit: Permit::of_operator(self.tenant.clone()),
            link,
            metadata: UnlinkMetadata::Restore,
            expected_version: None,
            validate_only: self.dry_run,
            now: clock::now(),
        };
        match self.use_cases.run(undo, None, NotStored).await {
            Ok(NotStored(result)) if result.was_undone => Ok(Verdict::Already { link: Some(link) }),
            Ok(_) => Ok(Verdict::Undone { link }),
            Err(error) => {
                let refused = refusal(error)?;
                let reason = SkipReason::of(&refused).ok_or_else(|| unexpected(&refused))?;
                let description = match refused {
                    DomainError::LinkNotUndoable(text) => Some(text),
                    _ => None,
                };
                Ok(Verdict::Skipped { reason, link: Some(link), description })
            }
        }
    }
}
