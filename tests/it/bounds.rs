//! What bad input gets: every bound, on a real socket.
