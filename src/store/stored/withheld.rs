//! `links.withheld`: metadata that an undone link did not give back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{Metadata, unlinking::Withheld};

/// Withheld metadata; a document that was not withheld is absent.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::store) struct StoredWithheld {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_metadata: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_metadata: Option<Map<String, Value>>,
}

impl From<&Withheld> for StoredWithheld {
    fn from(Withheld { user_metadata, app_metadata, is_discarded: _ }: &Withheld) -> Self {
        let stored = |document: &Option<Metadata>| document.as_ref().map(|it| it.as_map().clone());
        Self { user_metadata: stored(user_metadata), app_metadata: stored(app_metadata) }
    }
}

impl StoredWithheld {
    /// The withheld metadata; a column of its own has whether it was discarded.
    pub(in crate::store) fn into_withheld(self, is_discarded: bool) -> Withheld {
        Withheld {
            user_metadata: self.user_metadata.map(Metadata::from_stored),
            app_metadata: self.app_metadata.map(Metadata::from_stored),
            is_discarded,
        }
    }
}
