//! Which module may name which library.
