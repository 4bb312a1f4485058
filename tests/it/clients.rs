//! The clients that people install, each against the running service: the scenarios that hold all of
//! them alike, their watches, and what is checked in each language.

mod driver;
mod generated;
pub(crate) mod golang;
pub(crate) mod java;
pub(crate) mod node;
pub(crate) mod python;
mod rust;
mod scenarios;
mod seen;
mod watches;
