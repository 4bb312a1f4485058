//! Moving users in and out: files of users in the form of several systems.

pub mod export;
pub mod import;
pub mod input;
pub mod row;
pub mod sources;
