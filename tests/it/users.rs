//! `CreateUser`, `GetUser`, `ListUsers`, `UpdateUser`, `DeleteUser`.

mod create;
mod delete;
mod get;
mod ids;
mod list;
mod update;
