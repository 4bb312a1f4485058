//! Auth0's HTTP, in front of the same use cases.

mod applications;
mod bad_input;
mod clients;
mod cors;
mod curl;
mod documents;
mod elsewhere;
mod logged;
mod matrix;
mod node;
mod one_domain;
mod openapi;
mod page;
mod python;
mod releasing;
mod retried;
mod same_client;
mod scenarios;
mod search;
mod sessions;
mod users;
