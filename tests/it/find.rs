//! `FindByEmail`, `FindByIdentity`, `ResolveUsers`.
