//! `CreateUser`, `GetUser`, `UpdateUser`, `DeleteUser`.
