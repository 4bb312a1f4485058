//! `links.terms`: the terms with which a link was made.

use serde::{Deserialize, Serialize};

use crate::domain::{
    linking::LinkTerms,
    merge::{Arrays, Conflict, Strategy},
};

/// The terms with which a link was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTerms {
    /// How `user_metadata` was merged.
    #[serde(with = "StoredStrategy")]
    pub user_metadata: Strategy,
    /// How `app_metadata` was merged.
    #[serde(with = "StoredStrategy")]
    pub app_metadata: Strategy,
    /// Whether the two users had to share an email that is verified on both.
    pub require_shared_verified_email: bool,
}

impl From<&LinkTerms> for PastTerms {
    fn from(terms: &LinkTerms) -> Self {
        Self {
            user_metadata: terms.user_metadata,
            app_metadata: terms.app_metadata,
            require_shared_verified_email: terms.require_shared_verified_email,
        }
    }
}

// `remote` matches the variants of both sides: if only one has a variant, this does not compile.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Strategy", tag = "strategy", rename_all = "snake_case")]
enum StoredStrategy {
    KeepPrimary,
    Merge {
        #[serde(with = "StoredConflict")]
        conflict: Conflict,
        #[serde(with = "StoredArrays")]
        arrays: Arrays,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Conflict", rename_all = "snake_case")]
enum StoredConflict {
    PrimaryWins,
    SecondaryWins,
    Fail,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Arrays", rename_all = "snake_case")]
enum StoredArrays {
    Concatenate,
    Union,
    Replace,
}
