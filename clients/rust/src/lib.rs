//! A client of identity-link, the service that owns which identities belong to which user.
//!
//! A [`Client`] is thin over tonic's channel and the generated messages, which are in [`v1`]. It adds a
//! token that is renewed ([`TokenSource`]), a deadline by default, one request id per write, the
//! retries that are safe, a [`Reason`] for each refusal, all pages as a stream, and a watch that
//! continues from its last position.

#![forbid(unsafe_code)]

mod attempts;
mod builder;
mod calls;
mod client;
mod error;
mod expiry;
mod reason;
mod rpc;
mod tokens;
mod watch;

pub use identity_link_proto::{google, v1};
pub use tonic;

pub use self::{
    builder::{BuildError, Builder},
    client::Client,
    error::{Error, Failure, FieldViolation, PreconditionViolation},
    reason::Reason,
    tokens::{Token, TokenError, TokenSource},
};

/// Items that arrive one after the other, such as those of all pages. An error is the last item.
pub type Items<T> = futures_util::stream::BoxStream<'static, Result<T, Error>>;
