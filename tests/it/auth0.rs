//! Auth0's HTTP, in front of the same use cases.

mod bad_input;
mod documents;
mod matrix;
