//! Callers that race.
