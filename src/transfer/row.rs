//! The neutral row: one user in the form in which users come in and go out, one JSON object a line.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A user as a file describes it, before any check. The providers have the names of the file.
///
/// Its fields are serialised in this order, and those with their default are left out, so one user
/// has one text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// The user's id; `None` where the source has none that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Other names under which the user is known, such as the ids of users that it absorbed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// When the user was created.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub create_time: Option<DateTime<Utc>>,
    /// When the user was last changed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub update_time: Option<DateTime<Utc>>,
    /// Whether the user is blocked.
    #[serde(skip_serializing_if = "is_false")]
    pub blocked: bool,
    /// Tokens issued before this second are refused.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// Metadata that the user itself may change.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_metadata: Map<String, Value>,
    /// Metadata that only services may change.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub app_metadata: Map<String, Value>,
    /// Claims that services laid over the primary identity's profile.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub profile_overrides: Map<String, Value>,
    /// The accounts; the first one is the primary identity.
    pub identities: Vec<RowIdentity>,
}

/// An account of a [`Row`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RowIdentity {
    /// The provider, as the file names it.
    pub provider: String,
    /// The account's name at the provider.
    pub subject: String,
    /// The connection through which the account signs in; empty where the configuration names it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub connection: String,
    /// Whether the provider is a social one, where the configuration does not set it.
    #[serde(skip_serializing_if = "is_false")]
    pub social: bool,
    /// The account's email; empty if it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Whether the source says that the email is verified.
    #[serde(skip_serializing_if = "is_false")]
    pub email_verified: bool,
    /// When it was verified; `None` for the time of the import.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub email_verify_time: Option<DateTime<Utc>>,
    /// The account's attributes.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub profile_data: Map<String, Value>,
    /// When the account was added to the user; `None` for the time at which the user was created.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    pub attach_time: Option<DateTime<Utc>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes each field by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::ref_option, reason = "serde passes each field by reference")]
fn optional_time<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = time.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true));
    text.serialize(serializer)
}
