//! The work of each kind of job.

use std::{num::NonZeroU32, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{JobWorker, lines::JobLines, one::Progress};
use crate::{
    auth::{Permit, StatedReason},
    clock,
    domain::{
        JobKind, JobLease, ProofKind, TenantId,
        duplicates::{Mark, PrimaryChoice, Rule, Rules},
    },
    store::{
        ActorFilter, ActorKind, AppliedPlan, FindSettings, FoundDuplicates, Job, JobPlace,
        LinkFilter, LinkPosition, PlanSettings, Store, StoreError, UndoSettings,
    },
    transfer::{
        duplicates::{DuplicatesError, Search, SearchPlace, Step},
        lines::{LineSink as _, LinesError},
        plans::{
            Apply, ApplyEnd, Busy, Counts, Pace, PlanId, PlanPlace, PlansError, StoredClusters,
            Undo,
        },
    },
};

/// How many links a job makes at once at most.
const LINKS_AT_ONCE: usize = 3;
/// How many connections a job uses at most: one for each link, and one for its lines and its lease.
pub(super) const CONNECTIONS: usize = LINKS_AT_ONCE + 1;

/// Why the work of a job ended early.
#[derive(Debug)]
pub(super) enum WorkError {
    /// A stop was requested.
    Stopped,
    /// The database failed, and may do better later; or the lease is lost.
    Store(StoreError),
    /// The job cannot be done.
    Fault(String),
}

/// The work on a job.
pub(super) struct Work {
    pub(super) worker: Arc<JobWorker>,
    pub(super) tenant: TenantId,
    pub(super) job: Job,
    pub(super) lease: JobLease,
    pub(super) progress: Arc<Progress>,
    pub(super) halt: CancellationToken,
}

impl Work {
    /// Does it, and returns its figures.
    ///
    /// # Errors
    /// [`WorkError`]; what was stored stays.
    pub(super) async fn run(self) -> Result<Value, WorkError> {
        if self.halt.is_cancelled() {
            return Err(WorkError::Stopped);
        }
        match self.job.kind {
            Some(JobKind::FindDuplicates) => self.find().await,
            Some(JobKind::ApplyPlan) => self.apply().await,
            Some(JobKind::UndoLinks) => self.undo().await,
            Some(JobKind::ImportUsers) => self.import().await,
            Some(JobKind::UploadPlan | JobKind::ExportUsers) | None => {
                Err(WorkError::Fault("no server carries out this kind".to_owned()))
            }
        }
    }

    pub(super) fn store(&self) -> &Store {
        self.worker.use_cases.store()
    }

    /// The lines behind those that have these counts.
    fn lines(&self, counts: Counts) -> JobLines {
        let metrics = self.worker.use_cases.metrics().jobs.lines(kind_text(self.job.kind));
        JobLines::new(self.store().clone(), self.tenant.clone(), self.lease, metrics, counts)
    }

    pub(super) fn permit(&self) -> Permit {
        let actor = &self.job.actor;
        let reason = actor.reason.as_deref().and_then(StatedReason::parse);
        Permit::of_job(self.tenant.clone(), &actor.issuer, &actor.subject, self.lease)
            .because(reason)
    }

    /// Goes on behind the lines of an interrupted search, unless their last users have changed since: then
    /// it begins again.
    async fn find(self) -> Result<Value, WorkError> {
        let after = match self.job.position()? {
            Some(JobPlace::Set { first, found }) => Some(SearchPlace { first, found }),
            Some(_) | None => None,
        };
        let has_place = after.is_some();
        match self.search(after).await {
            Err(DuplicatesError::PlaceGone) if has_place => Ok(self.search(None).await?),
            found => Ok(found?),
        }
    }

    async fn search(&self, after: Option<SearchPlace>) -> Result<Value, DuplicatesError> {
        let settings: FindSettings = self.job.settings()?;
        if after.is_none() && self.job.lines > 0 {
            self.store().session(&self.tenant).await?.begin_lines_again(self.lease).await?;
        }
        let search = Search {
            plan: self.job.id,
            time: clock::now(),
            tenant: self.tenant.clone(),
            rules: rules(&settings),
            primary: match settings.primary.as_str() {
                "most-used" => PrimaryChoice::MostUsed,
                _ => PrimaryChoice::Oldest,
            },
            policies: self.worker.policies.get(&self.tenant).cloned().unwrap_or_default(),
            after,
        };
        let mut lines = self.lines(Counts::default());
        let (store, halt) = (self.store().clone(), self.halt.clone());
        let progress = Arc::clone(&self.progress);
        let show = move |step| match step {
            Step::Reading(read) => progress.set_done(read),
            Step::Judging(judged, users) => {
                progress.set_total(users);
                progress.set_done(judged);
            }
        };
        // On a thread of its own: it writes temporary files, and compares many ids at once.
        let runtime = Handle::current();
        let searching = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                let found = search.write(&store, &mut lines, show, &halt).await;
                if matches!(found, Err(DuplicatesError::Stopped)) {
                    lines.finish().await?;
                }
                found
            })
        });
        let fault = |error: String| DuplicatesError::Store(StoreError::Fault(error));
        let figures = searching.await.map_err(|error| fault(error.to_string()))??;
        let figures = serde_json::to_value(FoundDuplicates::from(&figures));
        figures.map_err(|error| fault(error.to_string()))
    }

    async fn apply(self) -> Result<Value, WorkError> {
        let settings: PlanSettings = self.job.settings()?;
        let plan = self.plan(&settings).await?;
        let mut counts: Counts = self.job.counts()?;
        let after = match self.job.position()? {
            Some(JobPlace::Plan { line, users }) => PlanPlace { line, users },
            Some(_) | None => PlanPlace::default(),
        };
        let apply = Apply {
            use_cases: Arc::clone(&self.worker.use_cases),
            permit: self.permit(),
            plan,
            dry_run: settings.validate_only,
            limit: settings.limit,
            accepted_marks: settings
                .accepted_marks
                .iter()
                .filter_map(|mark| Mark::parse(mark))
                .collect(),
            after,
        };
        let mut lines = self.lines(counts.clone());
        let pace = pace(self.store(), settings.rate);
        let (store, tenant) = (self.store().clone(), self.tenant.clone());
        let mut clusters = StoredClusters::of(store, tenant, settings.plan_job);
        let (progress, halt) = (Arc::clone(&self.progress), &self.halt);
        let show = move |done| progress.set_done(done);
        let id = apply.plan.id;
        let ended = apply.run(&mut clusters, pace, &mut lines, &show, halt, &mut counts).await;
        if matches!(ended, Err(PlansError::Stopped)) {
            lines.finish().await?;
        }
        let limited = ended? == ApplyEnd::Limited;
        // Without its lines, a plan would look as if it ended early.
        let plan_job = self.store().session(&self.tenant).await?.job(settings.plan_job).await?;
        if plan_job.is_none() {
            return Err(WorkError::Fault("the plan was forgotten while it was applied".to_owned()));
        }
        to_json(&AppliedPlan { plan: id, limited })
    }

    /// Which plan it is. Its total is how many users a search found, beside the primary ones.
    async fn plan(&self, settings: &PlanSettings) -> Result<PlanId, WorkError> {
        let mut session = self.store().session(&self.tenant).await?;
        let job = session.job(settings.plan_job).await?;
        let header = session.job_lines(settings.plan_job, 0, 1, 1).await?.into_iter().next();
        let (Some(job), Some(header)) = (job, header) else {
            return Err(WorkError::Fault("the plan was forgotten".to_owned()));
        };
        let plan = PlanId::parse(header.line.as_bytes())
            .map_err(|error| WorkError::Fault(error.to_string()))?;
        if plan.tenant != self.tenant {
            return Err(WorkError::Fault("the plan is of another tenant".to_owned()));
        }
        if job.kind == Some(JobKind::FindDuplicates)
            && let Some(FoundDuplicates { users, clusters, .. }) = job.figures()?
        {
            self.progress.set_total(users.saturating_sub(clusters));
        }
        Ok(plan)
    }

    async fn undo(self) -> Result<Value, WorkError> {
        let settings: UndoSettings = self.job.settings()?;
        let mut counts: Counts = self.job.counts()?;
        let after = match self.job.position()? {
            Some(JobPlace::Link { micros, id }) => position(micros, id)?,
            Some(_) | None => LinkPosition::START,
        };
        let undo = Undo {
            use_cases: Arc::clone(&self.worker.use_cases),
            permit: self.permit(),
            filter: filter(&settings),
            dry_run: settings.validate_only,
        };
        let mut lines = self.lines(counts.clone());
        let pace = pace(self.store(), settings.rate);
        let progress = Arc::clone(&self.progress);
        let show = move |done| progress.set_done(done);
        let ended = undo.run(after, pace, &mut lines, &show, &self.halt, &mut counts).await;
        if matches!(ended, Err(PlansError::Stopped)) {
            lines.finish().await?;
        }
        ended?;
        Ok(json!({}))
    }
}

/// A kind in the logs and the metrics.
pub(super) fn kind_text(kind: Option<JobKind>) -> &'static str {
    kind.map_or("unknown", JobKind::as_str)
}

fn rules(settings: &FindSettings) -> Rules {
    let has = |rule: Rule| settings.rules.iter().any(|name| name == rule.as_str());
    Rules {
        verified_email: has(Rule::VerifiedEmail),
        gmail: has(Rule::Gmail),
        verified_phone: has(Rule::VerifiedPhone),
        email_one_side: has(Rule::EmailOneSide),
    }
}

fn filter(settings: &UndoSettings) -> LinkFilter {
    let actor = settings.service.clone().map(|(issuer, subject)| ActorFilter {
        kind: Some(ActorKind::Service),
        issuer: Some(issuer),
        subject: Some(subject),
    });
    LinkFilter {
        since: settings.since,
        until: settings.until,
        proof: settings.automatic.then_some(ProofKind::VerifiedEmail),
        actor: actor.unwrap_or_default(),
        plan: settings.plan,
        ..LinkFilter::default()
    }
}

fn position(micros: i64, id: uuid::Uuid) -> Result<LinkPosition, WorkError> {
    let link_time = chrono::DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| WorkError::Fault("the position is no time".to_owned()))?;
    Ok(LinkPosition { link_time, id })
}

/// The pace of a job, which logs its pauses.
fn pace(store: &Store, rate: u32) -> Pace<'static> {
    let per_second = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
    Pace::new(store, per_second, LINKS_AT_ONCE, &log_pause)
}

fn log_pause(busy: Option<Busy>) {
    match busy {
        Some(busy) => tracing::info!(%busy, "a job pauses"),
        None => tracing::info!("a job goes on"),
    }
}

pub(super) fn to_json(figures: &impl Serialize) -> Result<Value, WorkError> {
    serde_json::to_value(figures).map_err(|error| WorkError::Fault(error.to_string()))
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fault(text) => Self::Fault(text),
            StoreError::Overloaded
            | StoreError::Unavailable(_)
            | StoreError::OtherIssuer(_)
            | StoreError::CommitUnknown(_)
            | StoreError::Conflict(_)
            | StoreError::Busy(_) => Self::Store(error),
        }
    }
}

impl From<LinesError> for WorkError {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Store(error) => error.into(),
            LinesError::File(error) => Self::Fault(error.to_string()),
        }
    }
}

impl From<DuplicatesError> for WorkError {
    fn from(error: DuplicatesError) -> Self {
        match error {
            DuplicatesError::Stopped => Self::Stopped,
            DuplicatesError::Lines(error) => error.into(),
            DuplicatesError::Store(error) => error.into(),
            DuplicatesError::PlaceGone | DuplicatesError::Notes(_) => {
                Self::Fault(error.to_string())
            }
        }
    }
}

impl From<PlansError> for WorkError {
    fn from(error: PlansError) -> Self {
        match error {
            PlansError::Stopped => Self::Stopped,
            PlansError::Report(error) => error.into(),
            PlansError::Store(error) => error.into(),
            PlansError::Plan(error) => Self::Fault(error.to_string()),
        }
    }
}
