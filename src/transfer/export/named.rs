//! The users of an id list.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use super::{ExportError, next_ids::NextIds, pages::Found};
use crate::{
    domain::{User, UserId},
    store::StoreError,
    transfer::id_list::IdList,
};

/// How many ids of a list are kept at once, about 20 MB.
const MAX_KEPT: usize = 200_000;
/// How many ids of a list are read at once.
const CHUNK: usize = 10_000;

/// Ids of users, each with its line, counted from 1.
#[derive(Debug)]
pub enum NamedIds {
    /// A few, in memory.
    Few(BTreeMap<UserId, u64>),
    /// A list, of which only a part is ever in memory.
    List(Arc<IdList>),
}

/// The users of an id list: those written, and those left.
pub(super) struct NamedUsers {
    named: NamedIds,
    next: NextIds<u64>,
    /// The holders of absorbed users of the list. Those that the list does not name follow at its end.
    holders: BTreeSet<UserId>,
    is_at_end: bool,
    unknown: Vec<u64>,
}

impl NamedIds {
    /// These ids, the first one as line 1. An id that is there twice counts once.
    pub fn few(ids: impl IntoIterator<Item = UserId>) -> Self {
        let mut few = BTreeMap::new();
        for (line, id) in (1..).zip(ids) {
            few.entry(id).or_insert(line);
        }
        Self::Few(few)
    }

    /// The number of different ids.
    fn count(&self) -> u64 {
        match self {
            Self::Few(ids) => ids.len() as u64,
            Self::List(list) => list.count(),
        }
    }
}

impl NamedUsers {
    pub(super) fn new(named: NamedIds) -> Self {
        let next = NextIds::new(MAX_KEPT);
        let (holders, unknown) = Default::default();
        Self { named, next, holders, is_at_end: false, unknown }
    }

    /// The number of different ids in the list.
    pub(super) fn count(&self) -> u64 {
        self.named.count()
    }

    /// The next ids, at most so many; none after the last one. After those of the list, the holders
    /// outside of it follow.
    ///
    /// # Errors
    /// [`ExportError::List`]; [`ExportError::Store`].
    pub(super) async fn next_ids(
        &mut self,
        count: usize,
    ) -> Result<Vec<(UserId, u64)>, ExportError> {
        if self.next.must_read() {
            self.read().await?;
        }
        let ids = self.next.take(count);
        if !ids.is_empty() {
            return Ok(ids);
        }
        if !self.is_at_end {
            self.is_at_end = true;
            self.leave_named_holders_out().await?;
        }
        let holders = std::iter::from_fn(|| self.holders.pop_first());
        Ok(holders.take(count).map(|id| (id, 0)).collect())
    }

    /// What to write of the users that were found for these ids of these lines. A user is written once,
    /// also if the list names several that it has absorbed.
    pub(super) fn sort_out(
        &mut self,
        ids: &[UserId],
        lines: &[u64],
        users: Vec<Option<User>>,
    ) -> Found {
        let mut found = Found::default();
        for ((id, line), user) in ids.iter().zip(lines).zip(users) {
            match user {
                Some(user) if user.id == *id || self.is_at_end => found.users.push(user),
                Some(holder) => drop(self.holders.insert(holder.id)),
                None if self.is_at_end => {}
                None => self.unknown.push(*line),
            }
        }
        found
    }

    /// The lines of the ids that no user has, in their order.
    pub(super) fn into_unknown_lines(mut self) -> Vec<u64> {
        self.unknown.sort_unstable();
        self.unknown
    }

    /// Reads the next ids.
    async fn read(&mut self) -> Result<(), ExportError> {
        self.next.begin();
        match &self.named {
            NamedIds::Few(ids) => ids.iter().for_each(|(id, line)| self.next.offer(id, *line)),
            NamedIds::List(list) => {
                let next = std::mem::replace(&mut self.next, NextIds::new(0));
                self.next = for_each(list, next, NextIds::offer).await?;
            }
        }
        Ok(())
    }

    /// The list names them, so they are written already.
    async fn leave_named_holders_out(&mut self) -> Result<(), ExportError> {
        match &self.named {
            _ if self.holders.is_empty() => {}
            NamedIds::Few(ids) => self.holders.retain(|id| !ids.contains_key(id)),
            NamedIds::List(list) => {
                let holders = std::mem::take(&mut self.holders);
                let remove = |holders: &mut BTreeSet<UserId>, id: &UserId, _| {
                    holders.remove(id);
                };
                self.holders = for_each(list, holders, remove).await?;
            }
        }
        Ok(())
    }
}

/// Does this for each id of a list, on a thread of its own, since a file may block.
async fn for_each<T: Send + 'static>(
    list: &Arc<IdList>,
    mut with: T,
    each: impl Fn(&mut T, &UserId, u64) + Send + 'static,
) -> Result<T, ExportError> {
    let list = Arc::clone(list);
    let reading = tokio::task::spawn_blocking(move || {
        for ids in list.chunks(CHUNK)? {
            ids?.iter().for_each(|(id, line)| each(&mut with, id, *line));
        }
        Ok::<T, io::Error>(with)
    });
    let read = reading.await.map_err(|error| StoreError::Fault(error.to_string()))?;
    read.map_err(ExportError::List)
}
