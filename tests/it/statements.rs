//! How many statements a call costs.
