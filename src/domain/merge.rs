//! The merge of metadata when the secondary user is linked into the primary one.
//!
//! Objects merge key by key, all the way down; everything else is a leaf: scalars, `null`, and
//! arrays, whose items are never looked into. The answer lists what happened path by path, so that
//! a link can be undone.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use super::metadata::{MAX_BYTES, Metadata, push_token};

/// The paths of one merge's changes are at most this long, all together, in bytes. Long keys near
/// the root would otherwise make the list hundreds of times larger than the two documents.
const MAX_PATH_BYTES: usize = 64 * 1024;

/// How the secondary's metadata goes into the primary's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The primary's stays as it is. The secondary's waits in the absorbed record.
    #[default]
    KeepPrimary,
    /// What only the secondary has is added. What both have is settled by these two rules.
    Merge {
        /// For values that differ and cannot be combined.
        conflict: Conflict,
        /// For places where both have an array.
        arrays: Arrays,
    },
}

/// What to do where both have a value, the values differ, and they are neither two objects nor two
/// arrays that combine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conflict {
    /// The primary's value stays. It is listed, as [`Effect::PrimaryKept`].
    #[default]
    PrimaryWins,
    /// The secondary's value takes its place.
    SecondaryWins,
    /// Nothing is merged: [`MergeError::Conflict`].
    Fail,
}

/// What to do where both have an array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrays {
    /// The primary's items, then the secondary's. Duplicates stay.
    #[default]
    Concatenate,
    /// The primary's items, then those of the secondary's that are not there yet. The primary's own
    /// duplicates stay.
    Union,
    /// Arrays are like scalars: equal, or a conflict.
    Replace,
}

impl Arrays {
    /// One array out of the two that both have.
    pub(super) fn combine(self, ours: &[Value], theirs: &[Value]) -> Vec<Value> {
        let added = match self {
            Self::Concatenate => theirs.to_vec(),
            Self::Union => {
                // Hashed, because comparing each with each would take millions of steps at 16 KiB.
                let mut present: HashSet<&Value> = ours.iter().collect();
                theirs.iter().filter(|item| present.insert(item)).cloned().collect()
            }
            Self::Replace => return theirs.to_vec(),
        };
        [ours, &added].concat()
    }
}

/// What the merge did at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Only the secondary had it. It is now there, with all that is below.
    Added,
    /// A conflict, and the primary's value stayed.
    PrimaryKept,
    /// A conflict, and the secondary's value took its place.
    SecondaryTaken,
    /// Two arrays became one, and it is longer than the primary's was.
    Combined,
}

/// What the merge did at one path. No path of a merge lies below another.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// An RFC 6901 pointer into the primary's metadata.
    pub path: String,
    /// What was done there.
    pub effect: Effect,
    /// The primary's value before. `None`: it had none, which is not the same as `null`.
    pub before: Option<Value>,
    /// The value now. A merge never removes, so it is always there.
    pub after: Option<Value>,
}

/// What a merge gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The primary's metadata from now on.
    pub metadata: Metadata,
    /// What differs from before, and the conflicts that the primary won; in the order of the
    /// secondary's document.
    pub changes: Vec<Change>,
}

/// Why nothing is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// Both sides have another value, and the strategy is [`Conflict::Fail`].
    Conflict {
        /// Every such place, as RFC 6901 pointers, in the order of the secondary's document.
        paths: Vec<String>,
    },
    /// The result would be over [`MAX_BYTES`], or the paths of the changes over
    /// 64 KiB.
    TooLarge {
        /// The size that it would have, in bytes of compact JSON text, or that of the paths.
        bytes: usize,
    },
}

/// Merges `secondary` into `primary`. The depth needs no check: every value keeps the level that it
/// had on its own side.
///
/// # Errors
///
/// [`MergeError::Conflict`] under [`Conflict::Fail`] only; [`MergeError::TooLarge`] under every
/// [`Strategy::Merge`].
pub fn merge(primary: &Metadata, secondary: &Metadata, strategy: Strategy) -> Result<Merged, MergeError> {
    let Strategy::Merge { conflict, arrays } = strategy else {
        return Ok(Merged { metadata: primary.clone(), changes: Vec::new() });
    };

    let mut merging = Merging { conflict, arrays, path: String::new(), changes: Vec::new() };
    let mut map = primary.as_map().clone();
    merging.objects(&mut map, secondary.as_map());
    let changes = merging.changes;
    let path_bytes = changes.iter().map(|change| change.path.len()).sum();
    if path_bytes > MAX_PATH_BYTES {
        return Err(MergeError::TooLarge { bytes: path_bytes });
    }

    // Under `Fail` the walk treats conflicts as if the primary won, so that it finds all of them.
    if conflict == Conflict::Fail {
        let conflicts = changes.iter().filter(|change| change.effect == Effect::PrimaryKept);
        let paths: Vec<String> = conflicts.map(|change| change.path.clone()).collect();
        if !paths.is_empty() {
            return Err(MergeError::Conflict { paths });
        }
    }
    let metadata = Metadata::from_stored(map);
    let bytes = metadata.json_bytes();
    if bytes > MAX_BYTES {
        return Err(MergeError::TooLarge { bytes });
    }
    Ok(Merged { metadata, changes })
}

/// A walk over both documents at once, which turns the primary's (`ours`) into the result.
struct Merging {
    conflict: Conflict,
    arrays: Arrays,
    /// Where the walk is.
    path: String,
    changes: Vec<Change>,
}

impl Merging {
    fn objects(&mut self, ours: &mut Map<String, Value>, theirs: &Map<String, Value>) {
        for (key, theirs) in theirs {
            let parent = self.path.len();
            push_token(&mut self.path, key);
            if let Some(ours) = ours.get_mut(key) {
                self.values(ours, theirs);
            } else {
                ours.insert(key.clone(), theirs.clone());
                self.record(Effect::Added, None, theirs);
            }
            self.path.truncate(parent);
        }
    }

    fn values(&mut self, ours: &mut Value, theirs: &Value) {
        match (&mut *ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => self.objects(ours, theirs),
            (Value::Array(items), Value::Array(theirs)) if self.arrays != Arrays::Replace => {
                let both = self.arrays.combine(items, theirs);
                if both.len() > items.len() {
                    let before = Value::Array(std::mem::replace(items, both));
                    self.record(Effect::Combined, Some(before), ours);
                }
            }
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => {
                let before = ours.clone();
                if self.conflict == Conflict::SecondaryWins {
                    *ours = theirs.clone();
                    self.record(Effect::SecondaryTaken, Some(before), ours);
                } else {
                    self.record(Effect::PrimaryKept, Some(before), ours);
                }
            }
        }
    }

    fn record(&mut self, effect: Effect, before: Option<Value>, after: &Value) {
        self.changes.push(Change { path: self.path.clone(), effect, before, after: Some(after.clone()) });
    }
}

/// Shows path and effect and no values: they are personal data, and `{:?}` ends up in logs.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({:?} at {:?})", self.effect, self.path)
    }
}

#[cfg(test)]
mod tests;
