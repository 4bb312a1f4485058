//! Bad input: the server checks every bound, lists every violation at once, and changes nothing.

mod decoding;
mod fields;
mod objects;
mod refusals_fit;
