//! The rules: which users may be linked, what a merge changes, what an unlink restores.
//!
//! The functions turn facts into decisions. They use no transport, database, clock or random
//! source, and this module imports nothing else of the crate.

pub mod attaching;
pub mod candidates;
pub mod clusters;
pub mod duplicates;
pub mod email;
pub mod error;
pub mod event;
pub mod identity;
pub mod identity_email;
pub mod ids;
pub mod importing;
pub mod jobs;
pub mod link_basis;
pub mod linking;
pub mod merge;
pub mod metadata;
pub mod policy;
pub mod provider_event;
pub mod provider_tokens;
pub mod sign_in;
pub mod staff;
pub mod tickets;
pub mod token_stamp;
pub mod undoing;
pub mod unlinking;
pub mod unmerge;
pub mod user;
pub mod user_state;
pub mod user_with_absorbed;
pub mod violation;

pub use email::Email;
pub use error::DomainError;
pub use event::{Event, EventKind, UserChange};
pub use identity::{Identity, Moved, RenamedIdentity};
pub use identity_email::{EmailVerification, IdentityEmail, Verifier};
pub use ids::{IdentityRef, Provider, Subject, TenantId, UserId};
pub use jobs::{JobKind, JobLease, JobOutcome};
pub use link_basis::{LinkBasis, ProofKind};
pub use metadata::{Metadata, MetadataUpdate};
pub use policy::{
    EmailTrust, LinkingPolicy, ProviderPolicies, ProviderPolicy, Registration, RequiredEmail,
    Undeclared,
};
pub use provider_event::{AccountEvent, ProviderEvent, ReportedEvent};
pub use provider_tokens::KeptTokens;
pub use staff::StaffRole;
pub use token_stamp::{TokenHash, TokenStamp};
pub use user::{Absorbed, AbsorbedBy, User, UserRef};
pub use user_state::UserState;
pub use violation::Violation;
