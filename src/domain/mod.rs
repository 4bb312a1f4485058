//! The rules: which users may be linked, what a merge changes, what an unlink restores.
//!
//! The functions turn facts into decisions. They use no transport, database, clock or random source, and this module
//! imports nothing else of the crate.

pub mod candidates;
pub mod email;
pub mod event;
pub mod household;
pub mod ids;
pub mod linking;
pub mod merge;
pub mod metadata;
pub mod policy;
pub mod refusal;
pub mod sign_in;
pub mod standing;
pub mod taking_back;
pub mod tickets;
pub mod undoing;
pub mod unlinking;
pub mod user;
pub mod violation;

pub use email::Email;
pub use event::{Event, EventKind, UserChange};
pub use ids::{IdentityRef, Provider, Subject, TenantId, UserId};
pub use metadata::{Metadata, MetadataUpdate};
pub use policy::{
    EmailTrust, LinkingPolicy, ProviderPolicies, ProviderPolicy, Registration, RequiredEmail, Undeclared,
};
pub use refusal::Refusal;
pub use standing::Standing;
pub use user::{Absorbed, Identity, IdentityEmail, Moved, Named, TokenHash, TokenStamp, User, Verified, Verifier};
pub use violation::Violation;
