//! Finding the users of a tenant who are likely one person, and writing a plan of their links.
//! Nothing in the database is changed.
//!
//! A first walk reads the emails of all identities in the order of their index, and looks up the
//! users of those that occur more than once. For phone numbers and mailboxes at Google, which have
//! no index, a second walk notes a hash of each in temporary files. What stays in memory are the ids
//! of users that share a value. In the end the users of each cluster are read and judged by the
//! rules, a page in a short transaction: what changed meanwhile is judged as it is now.
//!
//! A search that was interrupted reads all identities again, since it keeps none. The lines that it has
//! written stay, and it goes on behind them.

mod figures;
mod notes;
mod plan;
mod walk;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) use self::plan::FORM;
use self::walk::Walk;
pub use self::{
    figures::{Figures, Large, OfRule},
    notes::NotesError,
};
use super::{
    lines::{LineSink, LinesError, Milestone},
    plans::Counts,
};
use crate::{
    domain::{
        ProviderPolicies, TenantId, User, UserId,
        duplicates::{self, Cluster, Mark, Objection, PrimaryChoice, Rules},
    },
    secret::sha256,
    store::{FoundDuplicates, JobPlace, Session, Store, StoreError},
};

/// The most users of a cluster that are named. Each has an identity, so more cannot become one user.
const MAX_USERS: usize = crate::domain::linking::MAX_IDENTITIES;

/// What is looked for, and how the plan calls itself.
#[derive(Debug, Clone)]
pub struct Search {
    /// The id of the plan.
    pub plan: Uuid,
    /// The time of the plan.
    pub time: DateTime<Utc>,
    /// The tenant.
    pub tenant: TenantId,
    /// The rules.
    pub rules: Rules,
    /// Which user of a cluster would absorb the others.
    pub primary: PrimaryChoice,
    /// The tenant's policies.
    pub policies: ProviderPolicies,
    /// The place at which a search was interrupted that this one continues.
    pub after: Option<SearchPlace>,
}

/// A place among the sets of users that a search judges.
#[derive(Debug, Clone)]
pub struct SearchPlace {
    /// The SHA-256 by which the first user of the last set is found again. It does not name a user.
    pub first: [u8; 32],
    /// What was found until then.
    pub found: FoundDuplicates,
}

/// Where a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has read so many identities.
    Reading(u64),
    /// It has judged so many users of so many.
    Judging(u64, u64),
}

/// Why a search ended before its last line.
#[derive(Debug, thiserror::Error)]
pub enum DuplicatesError {
    /// A stop was requested.
    #[error("stopped before the end")]
    Stopped,
    /// The place at which the search was interrupted does not exist any more. Nothing was written.
    #[error("the last users that were judged have changed since")]
    PlaceGone,
    /// A temporary file failed.
    #[error(transparent)]
    Notes(#[from] NotesError),
    /// A line cannot be kept.
    #[error("the plan cannot be written: {0}")]
    Lines(#[from] LinesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Search {
    /// Writes the plan to a sink, or what follows in it after an interruption. `progress` is called now
    /// and then.
    ///
    /// # Errors
    /// [`DuplicatesError`]; the lines until then are written.
    pub async fn write(
        &self,
        store: &Store,
        sink: &mut impl LineSink,
        progress: impl Fn(Step),
        stop: &CancellationToken,
    ) -> Result<Figures, DuplicatesError> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(DuplicatesError::Stopped),
            written = self.write_all(store, sink, progress) => written,
        }
    }

    async fn write_all(
        &self,
        store: &Store,
        sink: &mut impl LineSink,
        progress: impl Fn(Step),
    ) -> Result<Figures, DuplicatesError> {
        if self.after.is_none() {
            sink.write(vec![plan::header(self)?], None).await?;
        }
        let mut session = store.session(&self.tenant).await?;
        let walk = Walk::new(self.rules, |read| progress(Step::Reading(read)));
        let (mut sets, read) = walk.all(&mut session).await?;
        let total = sets.iter().map(Vec::len).sum::<usize>() as u64;
        let before = self.judged_before(&sets)?;
        let mut judged: u64 = sets.drain(..before).map(|set| set.len() as u64).sum();
        let found = self.after.as_ref().map(|after| after.found.clone()).unwrap_or_default();
        let mut figures = Figures { read, ..Figures::from(found) };
        let mut sets = sets.into_iter().peekable();
        while let Some(first) = sets.next() {
            let mut page = vec![first];
            let mut users = page.iter().map(Vec::len).sum::<usize>();
            while let Some(next) = sets.next_if(|next| users + next.len() <= MAX_USERS) {
                users += next.len();
                page.push(next);
            }
            judged += users as u64;
            let last = page.last().map(|set| self.name_of(set)).unwrap_or_default();
            let clusters = self.judge(&mut session, page).await?;
            clusters.iter().for_each(|cluster| figures.add(cluster));
            let lines = clusters.iter().map(plan::line).collect::<Result<_, _>>()?;
            let place = JobPlace::Set { first: last, found: FoundDuplicates::from(&figures) };
            let milestone = Milestone { place, counts: &Counts::default(), is_change: false };
            sink.write(lines, Some(milestone)).await?;
            progress(Step::Judging(judged, total));
        }
        sink.finish().await?;
        Ok(figures)
    }

    /// How many of these sets, which are in the order of their first users, were judged before the
    /// interruption.
    fn judged_before(&self, sets: &[Vec<UserId>]) -> Result<usize, DuplicatesError> {
        let Some(SearchPlace { first, .. }) = &self.after else { return Ok(0) };
        let last = sets.iter().position(|set| self.name_of(set) == *first);
        last.map(|at| at + 1).ok_or(DuplicatesError::PlaceGone)
    }

    /// What names the first user of a set in this search alone.
    fn name_of(&self, set: &[UserId]) -> [u8; 32] {
        let id = set.first().map(UserId::as_str).unwrap_or_default();
        sha256(&[self.plan.as_bytes(), id.as_bytes()].concat())
    }

    /// The clusters among these sets of users, as they are now.
    async fn judge(
        &self,
        session: &mut Session,
        mut sets: Vec<Vec<UserId>>,
    ) -> Result<Vec<Cluster>, DuplicatesError> {
        // A set of more users than a page is alone in it.
        let is_cut = sets.iter().any(|set| set.len() > MAX_USERS);
        sets.iter_mut().for_each(|set| set.truncate(MAX_USERS));
        let ids: Vec<&UserId> = sets.iter().flatten().collect();
        session.begin_snapshot().await?;
        let users = session.users(&ids).await?;
        let users: Vec<User> = users.into_iter().filter(|user| user.absorbed.is_none()).collect();
        let all: Vec<&UserId> = users.iter().flat_map(User::ids).collect();
        let undone = match all.is_empty() {
            true => Default::default(),
            false => session.undone_links_between(&all, &all).await?,
        };
        session.abandon().await?;
        let mut clusters =
            duplicates::clusters(users, self.rules, self.primary, &self.policies, &undone);
        if is_cut {
            let objection = Objection::of_all(Mark::TooManyUsers);
            clusters.iter_mut().for_each(|cluster| cluster.objections.push(objection.clone()));
        }
        Ok(clusters)
    }
}
