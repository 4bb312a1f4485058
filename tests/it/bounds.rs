//! What bad input gets: every bound, every violation at once, and nothing changed.

mod decoding;
mod fields;
mod objects;
mod refusals_fit;
