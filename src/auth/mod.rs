//! Who calls, and what they may do: tokens, keys, callers, permits. Knows no transport.

pub mod access;
pub mod claims;
pub mod denial;
pub mod issuers;
pub mod keys;
pub mod permit;
pub mod tokens;

pub use access::Rule;
pub use denial::Denial;
pub use issuers::{Issuer, Issuers, KeySource, Kind, SubjectMeaning, TenantRule, UseRules};
pub use permit::{Caller, Permit, Purpose, Target, UserCaller};
pub use tokens::{TokenUse, VerifiedToken, Who};
