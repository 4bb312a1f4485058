//! `MergeMetadata`.
