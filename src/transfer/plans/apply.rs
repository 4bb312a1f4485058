//! Links by a plan.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use super::{
    Clusters, Counts, Pace, PlanId, PlansError, SkipReason,
    pipeline::Pipeline,
    plan_file::{PlannedCluster, PlannedSecondary},
    refusal, unexpected,
    verdict::Verdict,
};
use crate::{
    auth::Permit,
    clock,
    domain::{duplicates::Mark, linking::LinkTerms},
    store::PlanLink,
    transfer::lines::LineSink,
    use_cases::{Link, LinkOutcome, NotStored, Secondary, UseCases},
};

/// For how many lines of a plan the links that it has made are read at once. A look for each of them, one
/// after the other, took as long as its link.
const LINES_AT_ONCE: usize = 64;

/// Links by a plan: each secondary user of a line into its primary one.
pub struct Apply {
    /// The use cases, of a configuration that has the plan's tenant.
    pub use_cases: Arc<UseCases>,
    /// The permission with which it links, in the plan's tenant.
    pub permit: Permit,
    /// Which plan it is.
    pub plan: PlanId,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// How many links are made at most; `None` for all.
    pub limit: Option<u64>,
    /// The marks with which a line is linked all the same.
    pub accepted_marks: BTreeSet<Mark>,
    /// The place at which an application was left that this one continues.
    pub after: PlanPlace,
}

/// A place in a plan. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanPlace {
    /// The number of a line. Each line before it is done.
    pub line: u64,
    /// How many of its secondary users are done.
    pub users: u64,
}

/// How an application ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyEnd {
    /// Each secondary user has a verdict.
    Complete,
    /// The plan was left at the limit.
    Limited,
}

impl Apply {
    /// Applies a plan: several links at once, as many as calls leave room for. Links of one line are
    /// made one after the other, and so are those of lines that name the same user. `progress` is
    /// called with the number of secondary users that are done. The counts are right also after an
    /// error.
    ///
    /// # Errors
    /// [`PlansError`]; what is linked stays.
    pub async fn run(
        self,
        clusters: &mut impl Clusters,
        pace: Pace<'_>,
        sink: &mut impl LineSink,
        progress: &(dyn Fn(u64) + Sync),
        stop: &CancellationToken,
        counts: &mut Counts,
    ) -> Result<ApplyEnd, PlansError> {
        let mut pipeline = Pipeline::new(pace.at_once(), sink, progress, counts);
        let ended = Arc::new(self).link_all(clusters, pace, stop, &mut pipeline).await;
        pipeline.finish(ended).await
    }

    async fn link_all(
        self: Arc<Self>,
        clusters: &mut impl Clusters,
        mut pace: Pace<'_>,
        stop: &CancellationToken,
        pipeline: &mut Pipeline<'_, impl LineSink>,
    ) -> Result<ApplyEnd, PlansError> {
        let mut ahead = VecDeque::new();
        loop {
            if ahead.is_empty() {
                ahead = self.read_ahead(clusters).await?;
            }
            let Some(mut run) = ahead.pop_front() else { return Ok(ApplyEnd::Complete) };
            let cluster = Arc::clone(&run.cluster);
            let settled = match cluster.line == self.after.line {
                true => usize::try_from(self.after.users).unwrap_or(usize::MAX),
                false => 0,
            };
            if pipeline.concerns(&cluster) {
                pipeline.settle_all().await?;
                run.look_again().await?;
            }
            let mut is_linking = false;
            for (index, secondary) in cluster.secondaries.iter().enumerate().skip(settled) {
                if stop.is_cancelled() {
                    return Err(PlansError::Stopped);
                }
                // The link before it changes the version of the primary user.
                if is_linking {
                    pipeline.settle_all().await?;
                    run.look_again().await?;
                }
                if let Some(verdict) = run.known(secondary) {
                    is_linking = false;
                    pipeline.add(&cluster, index, verdict).await?;
                    continue;
                }
                if !pipeline.has_room(self.limit).await? {
                    return Ok(ApplyEnd::Limited);
                }
                pipeline.during(pace.turn(stop)).await?;
                let (run, secondary) = (run.clone(), secondary.clone());
                pipeline.begin(&cluster, index, run.link_or_know(secondary));
                is_linking = true;
            }
        }
    }

    /// The next clusters from the place on, with the links that each has by now; none after the last. Links
    /// that are made meanwhile are found out by the versions of the users.
    async fn read_ahead(
        self: &Arc<Self>,
        clusters: &mut impl Clusters,
    ) -> Result<VecDeque<ClusterRun>, PlansError> {
        let mut read = Vec::with_capacity(LINES_AT_ONCE);
        while read.len() < LINES_AT_ONCE
            && let Some(cluster) = clusters.next().await?
        {
            if cluster.line >= self.after.line {
                read.push(Arc::new(cluster));
            }
        }
        let made = self.made(&read).await?;
        let run = |(cluster, made)| ClusterRun { apply: Arc::clone(self), cluster, made };
        Ok(read.into_iter().zip(made).map(run).collect())
    }

    /// The links of the plan into the primary user of each cluster.
    async fn made(
        &self,
        clusters: &[Arc<PlannedCluster>],
    ) -> Result<Vec<Vec<PlanLink>>, PlansError> {
        if clusters.is_empty() {
            return Ok(Vec::new());
        }
        let PlanId { id, tenant } = &self.plan;
        let primaries: Vec<_> = clusters.iter().map(|cluster| &cluster.primary.id).collect();
        let mut session = self.use_cases.store().session(tenant).await?;
        Ok(session.links_of_plan_into(*id, &primaries).await?)
    }
}

/// A cluster that is being linked.
#[derive(Clone)]
struct ClusterRun {
    apply: Arc<Apply>,
    cluster: Arc<PlannedCluster>,
    /// The links of the plan into the primary user.
    made: Vec<PlanLink>,
}

impl ClusterRun {
    /// Reads the links of the plan again. Returns whether there are others than before.
    async fn look_again(&mut self) -> Result<bool, PlansError> {
        let made = self.apply.made(std::slice::from_ref(&self.cluster)).await?;
        let made = made.into_iter().next().unwrap_or_default();
        let is_other = made != self.made;
        self.made = made;
        Ok(is_other)
    }

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
            None => self.against().map(|marks| Verdict::Skipped {
                reason: SkipReason::Marked,
                link: None,
                marks,
                description: None,
            }),
        }
    }

    /// The marks of the cluster that are not accepted, each once and in the order of the plan; `None` if
    /// there are none. A mark that this release does not know is never accepted.
    fn against(&self) -> Option<Vec<String>> {
        let is_accepted = |mark| self.apply.accepted_marks.contains(&mark);
        let mut against: Vec<String> = Vec::new();
        for mark in &self.cluster.marks {
            if !Mark::parse(mark).is_some_and(is_accepted) && !against.contains(mark) {
                against.push(mark.clone());
            }
        }
        Some(against).filter(|against| !against.is_empty())
    }

    /// Links, unless another process with the same plan has: then the refusal comes from its links, and
    /// the verdict is that of those.
    async fn link_or_know(mut self, secondary: PlannedSecondary) -> Result<Verdict, PlansError> {
        loop {
            let verdict = self.link(&secondary).await?;
            if !matches!(verdict, Verdict::Skipped { .. }) {
                return Ok(verdict);
            }
            if !self.look_again().await? {
                return Ok(verdict);
            }
            if let Some(known) = self.known(&secondary) {
                return Ok(known);
            }
            // Others of the cluster were linked, which the version of the primary user counts.
        }
    }

    async fn link(&self, secondary: &PlannedSecondary) -> Result<Verdict, PlansError> {
        let Apply { use_cases, permit, plan, dry_run, .. } = &*self.apply;
        let PlannedCluster { primary, is_by_verified_emails, .. } = &*self.cluster;
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
            plan: Some(plan.id),
            ..LinkTerms::default()
        };
        let permit = permit.clone();
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
        Ok(if *dry_run { Verdict::WouldLink } else { Verdict::Linked { link: id } })
    }
}

fn skipped(reason: SkipReason, link: Option<uuid::Uuid>) -> Verdict {
    Verdict::Skipped { reason, link, marks: Vec::new(), description: None }
}
