//! What bounds a call, and that what a call leaves behind costs nobody else.

mod abandoned;
