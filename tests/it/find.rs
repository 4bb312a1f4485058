//! `FindByEmail`, `FindByIdentity`, `ResolveUsers`.

mod email;
mod identity;
mod pages;
mod resolve;
mod together;
