//! The merge of metadata when the secondary user is linked into the primary one.
//!
//! Objects merge key by key, at all levels. All other values are leaves: scalars, `null`, and
//! arrays, whose items are not merged. The result lists the changes by path, so that a link can be
//! undone.

use std::{collections::HashSet, fmt};

use serde_json::{Map, Value};

use super::metadata::{MAX_BYTES, Metadata, push_token};

/// The largest sum of path lengths in one merge's changes, in bytes. Long keys near the root could
/// otherwise make the list hundreds of times larger than the two documents.
const MAX_PATH_BYTES: usize = 64 * 1024;

/// How the secondary's metadata is merged into the primary's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The primary's metadata stays as it is. The secondary's is kept in the absorbed user's row.
    #[default]
    KeepPrimary,
    /// What only the secondary has is added. These two rules decide where both have a value.
    Merge {
        /// For values that differ and cannot be combined.
        conflict: Conflict,
        /// For paths at which both have an array.
        arrays: Arrays,
    },
}

impl Strategy {
    /// How it merges two arrays. Where nothing is merged, they are leaves.
    pub fn arrays(self) -> Arrays {
        match self {
            Self::KeepPrimary => Arrays::Replace,
            Self::Merge { arrays, .. } => arrays,
        }
    }
}

/// What to do where both have a value, the values differ, and they are neither two objects nor two
/// arrays that combine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conflict {
    /// The primary's value stays. The change is listed as [`Effect::PrimaryKept`].
    #[default]
    PrimaryWins,
    /// The secondary's value replaces the primary's.
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
    /// The primary's items, then those of the secondary's that are not present yet. The primary's
    /// own duplicates stay.
    Union,
    /// Arrays are treated as scalars: equal, or a conflict.
    Replace,
}

impl Arrays {
    /// Combines the two arrays into one.
    pub(super) fn combine(self, ours: &[Value], theirs: &[Value]) -> Vec<Value> {
        let added = match self {
            Self::Concatenate => theirs.to_vec(),
            Self::Union => {
                // Hashed: comparing all pairs would take millions of steps at 16 KiB.
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
    /// Only the secondary had the value. The whole value was added.
    Added,
    /// A conflict in which the primary's value stayed.
    PrimaryKept,
    /// A conflict in which the secondary's value replaced the primary's.
    SecondaryTaken,
    /// Two arrays were combined, and the result is longer than the primary's array was.
    Combined,
}

/// A change at one path. No path of a merge lies below another.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// An RFC 6901 pointer into the primary's metadata.
    pub path: String,
    /// What the merge did at the path.
    pub effect: Effect,
    /// The primary's value before; `None` if it had none, which differs from `null`.
    pub before: Option<Value>,
    /// The value after. A merge never removes a value, so this is always set.
    pub after: Option<Value>,
}

/// The result of a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The primary's metadata after the merge.
    pub metadata: Metadata,
    /// The values that changed and the conflicts that the primary won, in the order of the
    /// secondary's document.
    pub changes: Vec<Change>,
}

/// Why no merge took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// Both sides have different values, and the strategy is [`Conflict::Fail`].
    Conflict {
        /// Each such path, as an RFC 6901 pointer, in the order of the secondary's document.
        paths: Vec<String>,
    },
    /// The result would be larger than [`MAX_BYTES`], or the paths of the changes larger than 64
    /// KiB.
    TooLarge {
        /// The size of the result, in bytes of compact JSON text, or that of the paths.
        bytes: usize,
    },
}

/// Merges `secondary` into `primary`. The depth needs no check: each value keeps the level that it
/// had on its own side.
///
/// ```
/// use identity_link::domain::{
///     Metadata,
///     merge::{Arrays, Conflict, Effect, Strategy, merge},
/// };
/// use serde_json::json;
///
/// let metadata = |json: serde_json::Value| {
///     Metadata::parse("user_metadata", json.as_object().unwrap().clone()).unwrap()
/// };
/// let primary = metadata(json!({"color": "red", "tags": ["a", "b"]}));
/// let secondary = metadata(json!({"color": "blue", "tags": ["b", "c"], "beta": true}));
/// let strategy = Strategy::Merge { conflict: Conflict::PrimaryWins, arrays: Arrays::Union };
///
/// let merged = merge(&primary, &secondary, strategy).unwrap();
/// let expected = json!({"color": "red", "tags": ["a", "b", "c"], "beta": true});
/// assert_eq!(merged.metadata, metadata(expected));
/// let effects = merged.changes.iter().map(|change| (change.path.as_str(), change.effect));
/// assert!(effects.eq([
///     ("/beta", Effect::Added),
///     ("/color", Effect::PrimaryKept),
///     ("/tags", Effect::Combined),
/// ]));
/// ```
///
/// # Errors
///
/// [`MergeError::Conflict`] under [`Conflict::Fail`] only; [`MergeError::TooLarge`] under each
/// [`Strategy::Merge`].
pub fn merge(
    primary: &Metadata,
    secondary: &Metadata,
    strategy: Strategy,
) -> Result<Merged, MergeError> {
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

    // Under `Fail`, the walk treats conflicts as won by the primary, so that it finds all of them.
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

/// A walk over both documents at once that turns the primary's (`ours`) into the result.
struct Merging {
    conflict: Conflict,
    arrays: Arrays,
    /// The current path, as an RFC 6901 pointer.
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
        self.changes.push(Change {
            path: self.path.clone(),
            effect,
            before,
            after: Some(after.clone()),
        });
    }
}

/// Shows path and effect without values: values are personal data, and `{:?}` output can reach
/// logs.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({:?} at {:?})", self.effect, self.path)
    }
}

#[cfg(test)]
mod tests;
