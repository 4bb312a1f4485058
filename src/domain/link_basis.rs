//! What a link rests on, in the words by which links are searched and by which the feed reports
//! them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sign_in::SignInRule;

/// The kind of the proof on which a link rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// A token of the secondary user.
    Token,
    /// A ticket of a sign-in that had just proven the account.
    Ticket,
    /// A sign-in with the account, started for this link.
    SignIn,
    /// An email that is verified on both sides: the sign-in linked by a rule, without being asked.
    VerifiedEmail,
    /// The statement of a service.
    Service,
    /// A plan that an operator or a service applied.
    Plan,
}

impl ProofKind {
    /// The kind as text, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Ticket => "ticket",
            Self::SignIn => "sign_in",
            Self::VerifiedEmail => "verified_email",
            Self::Service => "service",
            Self::Plan => "plan",
        }
    }
}

/// What a link rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkBasis {
    /// The kind of its proof.
    pub proof: ProofKind,
    /// The sign-in rule that made it; `None` if a caller asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<SignInRule>,
    /// The plan that it was made by; `None` if it was made by none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Uuid>,
}
