//! What is logged, and what never is.
