//! The feed: all changes, in one order, without a gap.

mod basis;
mod commits;
mod connections;
mod epochs;
mod failover;
mod order;
mod pages;
mod positions;
mod retention;
mod slow;
mod told;
mod watching;
