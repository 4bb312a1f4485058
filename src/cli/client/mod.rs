//! The commands for people: what a service does by calls, one call at a time. They talk to a server by
//! the client for Rust, or to the same services in this process, on a database.

mod confirm;
mod connection;
mod find;
mod json;
mod link;
mod links;
mod refusal;
mod resolve;
mod shown;
mod table;
mod token_command;
mod undo_link;
mod unlink;
mod user;
mod views;
mod watch;

pub(super) use self::{
    confirm::ReasonArgument,
    connection::Connection,
    find::{FindArguments, find},
    link::{LinkArguments, link},
    links::{LinksArguments, links},
    resolve::{ResolveArguments, resolve},
    undo_link::{UndoOneLink, undo_link},
    unlink::{UnlinkArguments, unlink},
    user::{UserArguments, user},
    watch::{WatchArguments, watch},
};
