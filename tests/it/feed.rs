//! The feed: what happened, in order, without a gap.

mod pages;
mod told;
