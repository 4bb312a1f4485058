//! `ListLinks`.

mod pages;
mod plan;
mod sight;
mod told;
