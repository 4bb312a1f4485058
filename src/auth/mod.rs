//! Authentication and authorization of callers: tokens, keys, callers, permits. This module uses no
//! transport.

pub mod access;
pub mod claims;
pub mod client_secret;
pub mod discovery;
pub mod error;
mod event_tokens;
pub mod id_tokens;
pub mod issuers;
mod jwt;
pub mod key_set;
pub mod key_source;
pub mod keys;
pub mod permit;
pub mod stated_reason;
pub mod target;
pub mod tokens;
mod verified_by;
mod verified_tokens;

pub use access::{AccessRule, CallClass, CallShape};
pub use claims::Claims;
pub use client_secret::{ClientSecret, SecretKey};
pub use error::AuthError;
pub use event_tokens::{EventSource, EventToken, EventTokenError, EventTokenKind};
pub use id_tokens::{
    IdToken, IdTokenExpectations, IdTokenRules, IssuerRule, SignatureVerifier, Signatures,
};
pub use issuers::{
    CallerKind, Issuer, Issuers, NamedService, SubjectMeaning, TenantRule, TokenUseRules,
};
pub use key_source::KeySource;
pub use keys::{KeySettings, Keys};
pub use permit::{Caller, Permit, Purpose, RECENT_SIGN_IN, UserCaller};
pub use stated_reason::StatedReason;
pub use target::{AbsorbedId, Target};
pub use tokens::{TokenCaller, TokenUse, VerifiedToken};
pub use verified_by::VerifiedBy;
