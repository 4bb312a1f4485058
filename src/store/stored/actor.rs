//! `links.actor`, `links.undo_actor` and `events.actor`: the party that made a change.

use serde::{Deserialize, Serialize};

/// The party that made a change, as the history stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The kind of the caller.
    pub kind: ActorKind,
    /// The issuer of the bearer token; empty for a deleted user.
    #[serde(default)]
    pub issuer: String,
    /// The user's id, or the service's subject at its issuer; empty for a deleted user.
    #[serde(default)]
    pub subject: String,
}

/// The kind of a party that made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A user that acts for itself.
    User,
    /// A service.
    Service,
    /// No caller: the link ended because its secondary user was deleted.
    Deletion,
}
