//! Auth0's HTTP, in front of the same use cases.

mod bad_input;
mod cors;
mod curl;
mod documents;
mod linked_account;
mod logged;
mod looks;
mod matrix;
mod node;
mod openapi;
mod page;
mod pressed_twice;
mod python;
mod rate_limit;
mod releasing;
mod rust;
mod same_client;
mod samples;
mod scenarios;
mod search;
mod spellings;
mod users;
