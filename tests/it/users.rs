//! `CreateUser`, `GetUser`, `UpdateUser`, `DeleteUser`.

mod create;
mod delete;
mod get;
mod update;
