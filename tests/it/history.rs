//! `ListLinks`.

mod pages;
mod sight;
mod told;
