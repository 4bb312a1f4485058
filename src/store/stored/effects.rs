//! `links.effects`: the effects of a link's merge, as its response reported them.

use serde::{Deserialize, Serialize};

use crate::domain::{
    linking::MetadataChanges,
    merge::{Change, Effect},
};

/// The effects of a merge: paths without values. An erasing leaves none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Effects {
    /// In `user_metadata`.
    pub user_metadata: Vec<PathEffect>,
    /// In `app_metadata`.
    pub app_metadata: Vec<PathEffect>,
}

/// The effect of a merge at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathEffect {
    /// The path, as an RFC 6901 pointer.
    pub path: String,
    /// What happened there.
    #[serde(with = "StoredEffect")]
    pub effect: Effect,
}

impl From<&MetadataChanges> for Effects {
    fn from(changes: &MetadataChanges) -> Self {
        let placed =
            |change: &Change| PathEffect { path: change.path.clone(), effect: change.effect };
        Self {
            user_metadata: changes.user.iter().map(placed).collect(),
            app_metadata: changes.app.iter().map(placed).collect(),
        }
    }
}

// `remote` matches the variants of both sides: if only one has a variant, this does not compile.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Effect", rename_all = "snake_case")]
enum StoredEffect {
    Added,
    PrimaryKept,
    SecondaryTaken,
    Combined,
}
