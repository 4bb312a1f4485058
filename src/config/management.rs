//! The `[management]` table: the listener of operators and their tools.

use std::net::SocketAddr;

use super::{declare::keys, keys::Text, reader::Reader};

keys! {
    /// The listener for operators and their tools: probes and the version, over HTTP/1.1 and HTTP/2,
    /// without TLS and without tokens. Without the table there is none.
    static KEYS: ManagementKeys = "management" {
        /// The address and the port to listen on. Let only operators and their tools reach it: it
        /// does not ask who calls.
        listen: Text = Text::Required(", such as \"127.0.0.1:9090\""),
    }
}

/// The address to listen on.
pub(super) fn read(mut r: Reader) -> Option<SocketAddr> {
    let listen = r.address(&KEYS.listen);
    r.finish(&ManagementKeys::described());
    listen
}
