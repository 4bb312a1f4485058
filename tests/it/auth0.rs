//! Auth0's HTTP, in front of the same use cases.

mod documents;
mod matrix;
