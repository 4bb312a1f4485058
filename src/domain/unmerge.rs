//! Takes back what the merge of a link wrote into a user's metadata.
//!
//! A link keeps a [`Trace`] of each path that its merge changed: the value before and the value
//! after. Taking the link back restores the value before, wherever the value is still as the merge
//! left it. A value that was edited since stays. Objects are compared key by key; all other values
//! are leaves, arrays too.
//!
//! So that links can be taken back in any order, two more things change with a link:
//! - the *before* values of later links into the same user, where they hold what this link wrote;
//! - if that user was absorbed itself, what the absorbing link carried on into another user.
//!
//! After all links have been taken back, in any order, nothing of them is left.

mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Map, Value};
use uuid::Uuid;

use self::values::{at, keep_object, leave, leave_at, put, replace_at, turn_at};
use super::{Metadata, UserId, merge::Arrays};

/// A change that a merge made at one path. No path of a link lies below another.
#[derive(Clone, PartialEq)]
pub struct Trace {
    /// The keys from the root down to the value.
    pub path: Vec<String>,
    /// The value before; `None` if there was none, which differs from `null`.
    pub before: Option<Value>,
    /// The value after the merge.
    pub after: Option<Value>,
}

/// What one link's merge changed, in one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkTraces {
    /// The link.
    pub link: Uuid,
    /// The primary user of the link.
    pub primary: UserId,
    /// The primary user's version after this link. It orders the links into one user.
    pub order: i64,
    /// How it merged arrays.
    pub arrays: Arrays,
    /// The changes of the merge.
    pub traces: Vec<Trace>,
}

/// One user's document in one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The metadata of the user now, or when it was absorbed.
    pub metadata: Metadata,
    /// The link that absorbed the user; `None` for a live user, and for an alias.
    pub absorbed_by: Option<Uuid>,
}

/// Users that links joined, and the standing links, in one namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// The users.
    pub users: BTreeMap<UserId, Document>,
    /// The links, in any order.
    pub links: Vec<LinkTraces>,
}

/// What happened to the paths of a link that was taken back, in the live user's document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unmerged {
    /// The paths at which the link's value was taken back, as keys from the root.
    pub taken: Vec<Vec<String>>,
    /// The paths at which the value has changed since, and stays, as keys from the root.
    pub kept: Vec<Vec<String>>,
}

impl Documents {
    /// Takes back what a standing link changed, and removes the link. A link that is unknown
    /// changes nothing.
    pub fn unmerge(&mut self, link: Uuid) -> Unmerged {
        let Some(at) = self.links.iter().position(|imprint| imprint.link == link) else {
            return Unmerged::default();
        };
        let gone = self.links.swap_remove(at);
        // From the value that the merge wrote to the value before it.
        let turns = gone.traces.into_iter().map(|trace| Trace {
            before: trace.after,
            after: trace.before,
            ..trace
        });
        self.turn(&gone.primary, gone.order, turns.collect())
    }

    /// Replaces what a link wrote into a user, in each copy of it: in the user's document, in the
    /// traces of later links into the user, and in the users into which other links carried it.
    fn turn(&mut self, user: &UserId, order: i64, mut turns: Vec<Trace>) -> Unmerged {
        let mut outcome = Unmerged::default();
        let mut later: Vec<&mut LinkTraces> = self
            .links
            .iter_mut()
            .filter(|later| later.primary == *user && later.order > order)
            .collect();
        later.sort_by_key(|later| later.order);
        for later in later {
            for turn in std::mem::take(&mut turns) {
                let left = later.leaves_of(&turn);
                let lifted = later.found_otherwise(&turn);
                match left {
                    Some(left) => turns.push(left.keeping_objects(&lifted)),
                    None => outcome.kept.push(turn.path),
                }
            }
        }
        let Some(document) = self.users.get_mut(user) else { return outcome };
        let mut root = Some(Value::Object(document.metadata.as_map().clone()));
        for Trace { path, before, after } in &turns {
            let is_turned = turn_at(&mut root, path, before.as_ref(), after.as_ref());
            let paths = if is_turned { &mut outcome.taken } else { &mut outcome.kept };
            paths.push(path.clone());
        }
        document.metadata = Metadata::from_stored(match root {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        });
        let absorbed_by = document.absorbed_by;
        let carrier =
            absorbed_by.and_then(|link| self.links.iter_mut().find(|imprint| imprint.link == link));
        match carrier {
            None => outcome,
            Some(carrier) => {
                let turns = carrier.brought_otherwise(&turns);
                let (into, order) = (carrier.primary.clone(), carrier.order);
                self.turn(&into, order, turns)
            }
        }
    }
}

impl Trace {
    /// The same turn, but with the objects at `paths`, which are paths from the root, left in place:
    /// they belong to another link by now.
    fn keeping_objects(mut self, paths: &[Vec<String>]) -> Self {
        for path in paths {
            keep_object(&mut self.after, path.get(self.path.len()..).unwrap_or_default());
        }
        self
    }
}

impl LinkTraces {
    /// The part of a turn that is still visible after this link: without the paths that this link
    /// wrote.
    fn leaves_of(&self, turn: &Trace) -> Option<Trace> {
        let mut left = turn.clone();
        for trace in &self.traces {
            let is_left = if let Some(below) = turn.path.strip_prefix(trace.path.as_slice()) {
                let [found, made] =
                    [&trace.before, &trace.after].map(|value| at(value.as_ref(), below));
                leave(&mut left.before, &mut left.after, found, made)
            } else if let Some(below) = trace.path.strip_prefix(turn.path.as_slice()) {
                leave_at(
                    &mut left.before,
                    &mut left.after,
                    below,
                    trace.before.as_ref(),
                    trace.after.as_ref(),
                )
            } else {
                true
            };
            if !is_left {
                return None;
            }
        }
        Some(left)
    }

    /// Applies a turn to the values that this link found before it merged. Returns the paths of
    /// objects that count as this link's own from now on, as do the objects on the way to them.
    fn found_otherwise(&mut self, turn: &Trace) -> Vec<Vec<String>> {
        let (mut lost, mut owned) = (BTreeSet::new(), Vec::new());
        for trace in &mut self.traces {
            if let Some(below) = turn.path.strip_prefix(trace.path.as_slice()) {
                turn_at(&mut trace.before, below, turn.before.as_ref(), turn.after.as_ref());
            } else if let Some(below) = trace.path.strip_prefix(turn.path.as_slice()) {
                let [from, to] = [&turn.before, &turn.after].map(|value| at(value.as_ref(), below));
                turn_at(&mut trace.before, &[], from, to);
                if let Some(root) = lost_container(turn, below) {
                    lost.insert(root);
                    owned.extend(trace.path.split_last().map(|(_, parent)| parent.to_vec()));
                }
            }
        }
        // None of them is below another one: each is the shallowest.
        for root in &lost {
            let instead = at(turn.after.as_ref(), root.get(turn.path.len()..).unwrap_or_default());
            self.lift(root, instead);
        }
        owned
    }

    /// The object at `root` came from another link, which is gone. This link wrote below it, so the
    /// object now counts as this link's own, and replaces the value that is there `instead`.
    fn lift(&mut self, root: &[String], instead: Option<&Value>) {
        let (below, mut traces): (Vec<_>, Vec<_>) = std::mem::take(&mut self.traces)
            .into_iter()
            .partition(|trace| trace.path.starts_with(root));
        let mut lifted = Trace { path: root.to_vec(), before: None, after: None };
        for trace in below {
            let path = trace.path.get(root.len()..).unwrap_or_default();
            put(&mut lifted.before, path, trace.before);
            put(&mut lifted.after, path, trace.after);
        }
        lifted.before = lifted.before.or_else(|| instead.cloned());
        traces.push(lifted);
        self.traces = traces;
    }

    /// Applies turns to the values that this link brought from its secondary. Returns the turns
    /// that follow in its primary.
    fn brought_otherwise(&mut self, turns: &[Trace]) -> Vec<Trace> {
        let arrays = self.arrays;
        let mut follow = Vec::new();
        for trace in &mut self.traces {
            let mut after = trace.after.clone();
            for turn in turns {
                let Trace { before: from, after: to, .. } = turn;
                if let Some(below) = turn.path.strip_prefix(trace.path.as_slice()) {
                    let before = at(trace.before.as_ref(), below);
                    replace_at(&mut after, below, |brought| {
                        brought_anew(before, brought, (from.as_ref(), to.as_ref()), arrays)
                    });
                } else if let Some(below) = trace.path.strip_prefix(turn.path.as_slice()) {
                    let [from, to] = [from, to].map(|value| at(value.as_ref(), below));
                    after = brought_anew(trace.before.as_ref(), after.as_ref(), (from, to), arrays);
                }
            }
            if after != trace.after {
                follow.push(Trace {
                    path: trace.path.clone(),
                    before: trace.after.clone(),
                    after: after.clone(),
                });
                trace.after = after;
            }
        }
        self.traces.retain(|trace| trace.before != trace.after);
        follow
    }
}

/// What a link leaves where it found `before` and left `after`, after the secondary's value has
/// turned.
fn brought_anew(
    before: Option<&Value>,
    after: Option<&Value>,
    (from, to): (Option<&Value>, Option<&Value>),
    arrays: Arrays,
) -> Option<Value> {
    if from == to {
        return after.cloned();
    }
    match (before, after, from) {
        (Some(Value::Array(found)), Some(Value::Array(combined)), Some(Value::Array(brought)))
            if arrays.combine(found, brought) == *combined =>
        {
            match to {
                None => return before.cloned(),
                Some(Value::Array(to)) => return Some(Value::Array(arrays.combine(found, to))),
                Some(_) => {}
            }
        }
        (Some(Value::Object(found)), Some(Value::Object(left)), Some(Value::Object(brought))) => {
            let (mut left, nothing) = (left.clone(), Map::new());
            let to = to.and_then(Value::as_object).unwrap_or(&nothing);
            for key in brought.keys().chain(to.keys()).collect::<BTreeSet<_>>() {
                let turn = (brought.get(key), to.get(key));
                match brought_anew(found.get(key), left.get(key), turn, arrays) {
                    Some(value) => drop(left.insert(key.clone(), value)),
                    None => drop(left.remove(key)),
                }
            }
            return Some(Value::Object(left));
        }
        _ => {}
    }
    let mut brought = after.cloned();
    turn_at(&mut brought, &[], from, to);
    // A link that brings no value changes nothing.
    brought.or_else(|| before.cloned())
}

/// The shallowest path, from the turn's own path down, at which an object is replaced by another
/// value.
fn lost_container(turn: &Trace, below: &[String]) -> Option<Vec<String>> {
    let is_object = |value: &Option<Value>, below: &[String]| {
        at(value.as_ref(), below).is_some_and(Value::is_object)
    };
    let depth = (0..below.len()).find(|depth| {
        let above = below.get(..*depth).unwrap_or_default();
        is_object(&turn.before, above) && !is_object(&turn.after, above)
    })?;
    Some([turn.path.as_slice(), below.get(..depth).unwrap_or_default()].concat())
}

/// Shows the path without values: values are personal data, and `{:?}` output can reach logs.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({:?})", self.path)
    }
}

#[cfg(test)]
mod tests;
