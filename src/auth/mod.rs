//! Who calls, and what they may do: tokens, keys, callers, permits. Knows no transport.

pub mod access;
pub mod claims;
pub mod denial;
pub mod issuers;
pub mod key_set;
pub mod key_source;
pub mod keys;
pub mod permit;
pub mod tokens;
mod verified_tokens;

pub use access::Rule;
pub use denial::Denial;
pub use issuers::{Issuer, Issuers, Kind, SubjectMeaning, TenantRule, UseRules};
pub use key_source::KeySource;
pub use keys::{KeySettings, Keys};
pub use permit::{Caller, Permit, Purpose, Target, UserCaller};
pub use tokens::{TokenUse, VerifiedToken, Who};
