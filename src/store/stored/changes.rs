//! `links.changes`: what a link's merge changed, for its undo.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::terms::PastTerms;
use crate::domain::{
    Metadata,
    linking::MetadataChanges,
    merge::{Change, Strategy},
    metadata::{pointer, tokens},
    unmerge::Trace,
    user_with_absorbed::{MergeTraces, StandingLink},
};

/// What a merge changed: only paths whose value changed, each with at most its two values. An undo
/// and an erasing leave none.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::store) struct StoredChanges {
    user_metadata: Vec<StoredChange>,
    app_metadata: Vec<StoredChange>,
}

#[derive(Serialize, Deserialize)]
struct StoredChange {
    /// An RFC 6901 pointer.
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    after: Option<Value>,
}

/// A `null` that is present is a value.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<&MetadataChanges> for StoredChanges {
    fn from(changes: &MetadataChanges) -> Self {
        let stored = |changes: &[Change]| {
            let changed = changes.iter().filter(|change| change.before != change.after);
            changed.map(StoredChange::from).collect()
        };
        Self { user_metadata: stored(&changes.user), app_metadata: stored(&changes.app) }
    }
}

impl From<&StandingLink> for StoredChanges {
    fn from(link: &StandingLink) -> Self {
        let stored = |merge: &MergeTraces| merge.traces.iter().map(StoredChange::from).collect();
        Self {
            user_metadata: stored(&link.user_metadata),
            app_metadata: stored(&link.app_metadata),
        }
    }
}

impl StoredChanges {
    /// The traces of a merge on these terms: in `user_metadata`, and in `app_metadata`.
    pub(in crate::store) fn into_traces(self, terms: &PastTerms) -> (MergeTraces, MergeTraces) {
        let merge = |strategy: Strategy, changes: Vec<StoredChange>| MergeTraces {
            arrays: strategy.arrays(),
            traces: changes.into_iter().map(Trace::from).collect(),
        };
        (
            merge(terms.user_metadata, self.user_metadata),
            merge(terms.app_metadata, self.app_metadata),
        )
    }
}

impl From<&Change> for StoredChange {
    fn from(Change { path, effect: _, before, after }: &Change) -> Self {
        Self { path: path.clone(), before: before.clone(), after: after.clone() }
    }
}

impl From<&Trace> for StoredChange {
    fn from(Trace { path, before, after }: &Trace) -> Self {
        Self { path: pointer(path), before: before.clone(), after: after.clone() }
    }
}

impl From<StoredChange> for Trace {
    fn from(StoredChange { path, before, after }: StoredChange) -> Self {
        Self { path: tokens(&path), before: before.map(normalized), after: after.map(normalized) }
    }
}

/// The value in the one form that it has in metadata, so that it compares.
fn normalized(value: Value) -> Value {
    let wrapped = Metadata::from_stored(Map::from_iter([(String::new(), value)]));
    wrapped.as_map().values().next().cloned().unwrap_or_default()
}
