#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attempts;
mod builder;
mod calls;
mod client;
mod error;
mod expiry;
mod reach;
mod reason;
mod rpc;
mod streams;
mod tokens;
mod watch;

pub use identity_link_proto::{DESCRIPTOR_SET, google, v1};
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
