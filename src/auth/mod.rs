//! Authentication and authorization of callers: tokens, keys, callers, permits. This module uses no transport.

pub mod access;
pub mod claims;
pub mod denial;
pub mod discovery;
pub mod id_tokens;
pub mod issuers;
mod jwt;
pub mod key_set;
pub mod key_source;
pub mod keys;
pub mod permit;
pub mod target;
pub mod tokens;
mod verified_tokens;

pub use access::Rule;
pub use claims::Claims;
pub use denial::Denial;
pub use id_tokens::{Asked, IdToken, IdTokenRules, IssuerRule};
pub use issuers::{Issuer, Issuers, Kind, SubjectMeaning, TenantRule, UseRules};
pub use key_source::KeySource;
pub use keys::{KeySettings, Keys};
pub use permit::{Caller, Permit, Purpose, RECENT_SIGN_IN, UserCaller};
pub use target::{AbsorbedId, Target};
pub use tokens::{TokenUse, VerifiedToken, Who};
