//! Moving users in and out: files of users in the form of several systems, and plans for those who
//! are likely one person, by commands and by jobs.

pub mod duplicates;
pub mod erase;
pub mod export;
mod fingerprint;
pub mod id_list;
pub mod import;
pub mod input;
pub mod jobs;
pub mod limits;
pub mod lines;
pub mod plans;
pub mod provider_move;
pub mod row;
pub mod sources;
