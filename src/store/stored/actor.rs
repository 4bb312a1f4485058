//! `links.actor`, `links.undo_actor` and `events.actor`: the party that made a change.

use serde::{Deserialize, Serialize};

/// The party that made a change, as the history stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The kind of the caller.
    pub kind: ActorKind,
    /// The issuer of the bearer token, or of the provider's; empty for an operator and for a deleted user.
    #[serde(default)]
    pub issuer: String,
    /// The user's id, the service's subject at its issuer, or the provider's name; empty where the issuer is.
    #[serde(default)]
    pub subject: String,
    /// Why it made the change, in its own words; `None` if it did not say, and once a user that it is about
    /// is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Actor {
    /// The operator, by a command.
    pub fn operator() -> Self {
        Self {
            kind: ActorKind::Operator,
            issuer: String::new(),
            subject: String::new(),
            reason: None,
        }
    }
}

/// The kind of a party that made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A user that acts for itself.
    User,
    /// A service.
    Service,
    /// No caller: a command of the operator, which has no token.
    Operator,
    /// A provider, by a token that reports events.
    Provider,
    /// No caller: the link ended because its secondary user was deleted.
    Deletion,
}

impl ActorKind {
    /// The kind as text, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Provider => "provider",
            Self::Deletion => "deletion",
        }
    }
}
