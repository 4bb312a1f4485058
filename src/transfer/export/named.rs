//! The users of an id list.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    fmt,
    ops::Bound,
};

use super::pages::Found;
use crate::domain::{User, UserId};

/// Ids of users, each with its line in the list, counted from 1.
#[derive(Debug, Default)]
pub struct NamedIds(BTreeMap<UserId, usize>);

/// The lines of a list that are no ids, counted from 1; at least one.
#[derive(Debug)]
pub struct IdProblems(Vec<u64>);

/// The users of an id list: those written, and those left.
pub(super) struct NamedUsers {
    ids: NamedIds,
    /// The last id that was looked up.
    last: Option<UserId>,
    /// The users outside of the list that were written, since the list names users that they have
    /// absorbed.
    holders: HashSet<UserId>,
    unknown: Vec<usize>,
}

impl NamedIds {
    /// Parses a list with one id in each line. Empty lines and a byte order mark are left aside,
    /// and an id that is there twice counts once.
    ///
    /// # Errors
    /// [`IdProblems`], with all lines that are no ids.
    pub fn parse(list: &[u8]) -> Result<Self, IdProblems> {
        let list = list.strip_prefix("\u{feff}".as_bytes()).unwrap_or(list);
        let (mut ids, mut wrong) = (BTreeMap::new(), Vec::new());
        for (line, text) in (1..).zip(list.split(|byte| *byte == b'\n')) {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.is_empty() {
                continue;
            }
            match std::str::from_utf8(text).ok().and_then(UserId::parse) {
                Some(id) => {
                    if let Entry::Vacant(free) = ids.entry(id) {
                        free.insert(line);
                    }
                }
                None => wrong.push(u64::try_from(line).unwrap_or(u64::MAX)),
            }
        }
        if wrong.is_empty() { Ok(Self(ids)) } else { Err(IdProblems(wrong)) }
    }

    /// The number of different ids.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no id.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl NamedUsers {
    pub(super) fn new(ids: NamedIds) -> Self {
        Self { ids, last: None, holders: HashSet::new(), unknown: Vec::new() }
    }

    /// The number of different ids in the list.
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    /// The next ids, at most so many; none after the last one.
    pub(super) fn next_ids(&mut self, count: usize) -> Vec<UserId> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let left = self.ids.0.range::<UserId, _>((after, Bound::Unbounded));
        let ids: Vec<UserId> = left.map(|(id, _)| id.clone()).take(count).collect();
        if let Some(last) = ids.last() {
            self.last = Some(last.clone());
        }
        ids
    }

    /// What to write of the users that were found for these ids. A user that is named more than
    /// once, by its own id or by those of users that it has absorbed, is written once.
    pub(super) fn sort_out(&mut self, ids: &[UserId], users: Vec<Option<User>>) -> Found {
        let mut found = Found::default();
        for (id, user) in ids.iter().zip(users) {
            match user {
                Some(user) if user.id == *id => found.users.push(user),
                Some(holder) => {
                    let is_named = self.ids.0.contains_key(&holder.id);
                    if !is_named && self.holders.insert(holder.id.clone()) {
                        found.users.push(holder);
                    }
                }
                None => self.unknown.extend(self.ids.0.get(id)),
            }
        }
        found
    }

    /// The lines of the ids that no user has, in their order.
    pub(super) fn into_unknown_lines(mut self) -> Vec<usize> {
        self.unknown.sort_unstable();
        self.unknown
    }
}

impl IdProblems {
    /// How many lines are named.
    pub(in crate::transfer) const MAX_NAMED: usize = 20;

    /// These lines, of which those after the first ones need not be there.
    pub(in crate::transfer) fn of(lines: Vec<u64>) -> Self {
        Self(lines)
    }
}

impl fmt::Display for IdProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().take(Self::MAX_NAMED).map(u64::to_string).collect();
        let more = if self.0.len() > Self::MAX_NAMED { " and others" } else { "" };
        write!(f, "an id {}: see line {}{more}", UserId::FORM, lines.join(", "))
    }
}
