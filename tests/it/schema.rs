//! The schema: migrations, and what `serve` makes of a wrong one.
