//! Links by a plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Pace, PlanError, PlanFile, PlansError, Report, SkipReason,
    plan_file::{PlannedCluster, PlannedSecondary},
    refusal, unexpected,
    verdict::{Counts, Verdict, VerdictLine},
};
use crate::{
    auth::Permit,
    clock,
    domain::{duplicates::Mark, linking::LinkTerms},
    store::PlanLink,
    use_cases::{Link, LinkOutcome, NotStored, Secondary, UseCases},
};

/// How many clusters are read ahead.
const READ_AHEAD: usize = 16;

/// Links by a plan: each secondary user of a line into its primary one.
pub struct Apply {
    /// The use cases, of a configuration that has the plan's tenant.
    pub use_cases: Arc<UseCases>,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// How many links are made at most; `None` for all.
    pub limit: Option<u64>,
    /// The marks with which a line is linked all the same.
    pub accepted_marks: BTreeSet<Mark>,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many links were made, or would be.
    pub linked: u64,
    /// How many secondary users were linked before.
    pub already: u64,
    /// How many were not linked, for each reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Whether the plan was left at the limit, before its end.
    pub is_limited: bool,
}

impl Apply {
    /// Applies a plan. `progress` is called with the number of secondary users that are done. The
    /// counts in `applied` are right also after an error.
    ///
    /// # Errors
    /// [`PlansError`]; what is linked stays.
    pub async fn run(
        &self,
        plan: PlanFile,
        mut pace: Pace<'_>,
        mut report: Report,
        progress: &(dyn Fn(u64) + Sync),
        stop: &CancellationToken,
        applied: &mut Applied,
    ) -> Result<(), PlansError> {
        let plan = Arc::new(plan);
        let (sender, mut clusters) = mpsc::channel(READ_AHEAD);
        let read = Arc::clone(&plan);
        let reading = tokio::task::spawn_blocking(move || {
            read.read(|cluster| sender.blocking_send(cluster).is_ok())
        });
        let mut counts = Counts::default();
        let outcome = async {
            while let Some(cluster) = clusters.recv().await {
                let mut run = ClusterRun {
                    apply: self,
                    plan: &plan,
                    cluster: &cluster,
                    made: self.made(&plan, &cluster).await?,
                };
                for secondary in &cluster.secondaries {
                    if stop.is_cancelled() {
                        return Err(PlansError::Stopped);
                    }
                    let verdict = match run.known(secondary) {
                        Some(verdict) => verdict,
                        None if self.limit.is_some_and(|limit| counts.done >= limit) => {
                            return Ok(true);
                        }
                        None => {
                            pace.turn(stop).await?;
                            pace.rest_after(run.link_or_know(secondary)).await?
                        }
                    };
                    counts.add(verdict);
                    report.write(&VerdictLine {
                        line: Some(cluster.line),
                        primary: &cluster.primary.id,
                        secondary: Some(&secondary.user.id),
                        verdict,
                    })?;
                    progress(counts.all());
                }
            }
            Ok(false)
        };
        let outcome = outcome.await;
        // The reader ends when it has no receiver.
        drop(clusters);
        let read = reading.await.map_err(|error| PlanError::Read(std::io::Error::other(error)));
        *applied = Applied {
            linked: counts.done,
            already: counts.already,
            skipped: counts.skipped,
            is_limited: matches!(outcome, Ok(true)),
        };
        outcome?;
        read??;
        Ok(report.finish()?)
    }

    /// The links of the plan into the primary user of a cluster.
    async fn made(
        &self,
        plan: &PlanFile,
        cluster: &PlannedCluster,
    ) -> Result<Vec<PlanLink>, PlansError> {
        let mut session = self.use_cases.store().session(&plan.tenant).await?;
        Ok(session.links_of_plan_into(plan.id, &cluster.primary.id).await?)
    }
}

/// A cluster that is being linked.
struct ClusterRun<'a> {
    apply: &'a Apply,
    plan: &'a PlanFile,
    cluster: &'a PlannedCluster,
    /// The links of the plan into the primary user.
    made: Vec<PlanLink>,
}

impl ClusterRun<'_> {
    /// The verdict that needs no link; `None` if a link is to be made.
    fn known(&self, secondary: &PlannedSecondary) -> Option<Verdict> {
        let is_it = |made: &&PlanLink| made.secondary.as_ref() == Some(&secondary.user.id);
        match self.made.iter().rfind(is_it) {
            // A person or an operator took it back, so a plan does not make it again.
            Some(PlanLink { id, is_undone: true, .. }) => {
                Some(skipped(SkipReason::Undone, Some(*id)))
            }
            Some(PlanLink { id, is_undone: false, .. }) => {
                Some(Verdict::Already { link: Some(*id) })
            }
            None if !self.is_accepted() => Some(skipped(SkipReason::Marked, None)),
            None => None,
        }
    }

    /// Whether each mark of the cluster is accepted. One that this release does not know is not.
    fn is_accepted(&self) -> bool {
        let is_accepted = |mark| self.apply.accepted_marks.contains(&mark);
        self.cluster.marks.iter().all(|mark| Mark::parse(mark).is_some_and(is_accepted))
    }

    /// Links, unless another process with the same plan has: then the refusal comes from its links, and
    /// the verdict is that of those.
    async fn link_or_know(&mut self, secondary: &PlannedSecondary) -> Result<Verdict, PlansError> {
        loop {
            let verdict = self.link(secondary).await?;
            if !matches!(verdict, Verdict::Skipped { .. }) {
                return Ok(verdict);
            }
            let made = self.apply.made(self.plan, self.cluster).await?;
            if made == self.made {
                return Ok(verdict);
            }
            self.made = made;
            if let Some(known) = self.known(secondary) {
                return Ok(known);
            }
            // Others of the cluster were linked, which the version of the primary user counts.
        }
    }

    async fn link(&mut self, secondary: &PlannedSecondary) -> Result<Verdict, PlansError> {
        let Apply { use_cases, dry_run, .. } = self.apply;
        let PlannedCluster { primary, is_by_verified_emails, .. } = self.cluster;
        let standing = self.made.iter().filter(|made| !made.is_undone).count();
        let terms = LinkTerms {
            // Each link adds one to the version of the primary user.
            expected_version: i64::try_from(standing)
                .ok()
                .and_then(|standing| primary.version.checked_add(standing)),
            expected_secondary_version: Some(secondary.user.version),
            // In a dry run the users before it have brought nothing that it could share.
            require_shared_verified_email: *is_by_verified_emails
                && (!dry_run || secondary.shares_with_primary),
            plan: Some(self.plan.id),
            ..LinkTerms::default()
        };
        let permit = Permit::of_operator(self.plan.tenant.clone());
        let target = permit.target(Some(primary.id.clone())).map_err(|error| refusal(error.into()));
        let target = match target {
            Ok(target) => target,
            Err(refused) => return Err(unexpected(&refused?)),
        };
        let link = Link {
            permit,
            target,
            secondary: Secondary::User(secondary.user.id.clone()),
            terms,
            validate_only: *dry_run,
            now: clock::now(),
        };
        let result = match link.execute(use_cases, None, NotStored).await {
            Ok(NotStored(result)) => result,
            Err(error) => {
                let refused = refusal(error)?;
                let reason = SkipReason::of(&refused).ok_or_else(|| unexpected(&refused))?;
                return Ok(skipped(reason, None));
            }
        };
        let id = result.link.as_ref().map(|link| link.id);
        if result.outcome == LinkOutcome::AlreadyLinked {
            return Ok(Verdict::Already { link: id });
        }
        if *dry_run {
            return Ok(Verdict::Linked { link: None });
        }
        self.made.extend(id.map(|id| PlanLink {
            id,
            secondary: Some(secondary.user.id.clone()),
            is_undone: false,
        }));
        Ok(Verdict::Linked { link: id })
    }
}

fn skipped(reason: SkipReason, link: Option<uuid::Uuid>) -> Verdict {
    Verdict::Skipped { reason, link, description: None }
}
