//! Takes links back, the newest first.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Counts, Pace, PlansError, SkipReason, refusal, unexpected,
    verdict::{Verdict, VerdictLine},
};
use crate::{
    auth::Permit,
    clock,
    domain::{DomainError, unlinking::UnlinkMetadata},
    store::{JobPlace, LinkFilter, LinkPosition, PastLink},
    transfer::lines::{LineSink, Milestone},
    use_cases::{NotStored, UndoLink, UseCases},
};

/// How many links a page has.
const PAGE: usize = 100;

/// Takes the links back that match a filter, the newest first: what a later link of them stands in
/// front of can be undone when that one is. So there is one at a time.
pub struct Undo {
    /// The use cases, of a configuration that has the tenant.
    pub use_cases: Arc<UseCases>,
    /// The permission with which it takes them back, in their tenant.
    pub permit: Permit,
    /// Which links are taken back.
    pub filter: LinkFilter,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

impl Undo {
    /// Takes the links back, those after `after`, which is the place at which an undo was left that
    /// this one continues. `progress` is called with the number of links that are done. The counts are
    /// right also after an error.
    ///
    /// # Errors
    /// [`PlansError`]; what is undone stays undone.
    pub async fn run(
        &self,
        after: LinkPosition,
        mut pace: Pace<'_>,
        sink: &mut impl LineSink,
        progress: &(dyn Fn(u64) + Sync),
        stop: &CancellationToken,
        counts: &mut Counts,
    ) -> Result<(), PlansError> {
        // A link that is made meanwhile is before the first one.
        let mut after = Some(after);
        while let Some(position) = after {
            let mut session = self.use_cases.store().session(self.permit.tenant()).await?;
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
                        self.undo(past).await?
                    }
                };
                let is_change = counts.add(&verdict);
                let line = VerdictLine {
                    line: None,
                    primary: Some(&past.link.primary),
                    secondary: past.link.secondary.as_ref(),
                    verdict: &verdict,
                };
                let LinkPosition { link_time, id } = past.position();
                let place = JobPlace::Link { micros: link_time.timestamp_micros(), id };
                let milestone = Milestone { place, counts, is_change };
                sink.write(vec![line.to_line()?], Some(milestone)).await?;
                progress(counts.all());
            }
        }
        Ok(sink.finish().await?)
    }

    async fn undo(&self, past: &PastLink) -> Result<Verdict, PlansError> {
        let link = past.link.id;
        let undo = UndoLink {
            permit: self.permit.clone(),
            link,
            metadata: UnlinkMetadata::Restore,
            expected_version: None,
            validate_only: self.dry_run,
            now: clock::now(),
        };
        match self.use_cases.run(undo, None, NotStored).await {
            Ok(NotStored(result)) if result.was_undone => Ok(Verdict::Already { link: Some(link) }),
            Ok(_) if self.dry_run => Ok(Verdict::WouldUndo { link }),
            Ok(_) => Ok(Verdict::Undone { link }),
            Err(error) => {
                let refused = refusal(error)?;
                let reason = SkipReason::of(&refused).ok_or_else(|| unexpected(&refused))?;
                let description = match refused {
                    DomainError::LinkNotUndoable(text) => Some(text),
                    _ => None,
                };
                Ok(Verdict::Skipped { reason, link: Some(link), marks: Vec::new(), description })
            }
        }
    }
}
