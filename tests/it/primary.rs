//! `SetPrimaryIdentity`.
