//! Links and unlinks in any order, against a model of two maps.
