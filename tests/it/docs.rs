//! The documents: their links lead somewhere, and each command and each sample in them works.

mod commands;
mod imports;
mod links;
mod log_lines;
pub(crate) mod pages;
mod samples;
mod shells;
