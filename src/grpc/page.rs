//! The size of pages.

use prost::Message;

pub(super) use crate::calls::page::{INVALID_TOKEN, PageTokens};

/// The largest page of users or links, in entries.
pub(super) const MAX_PAGE: usize = 100;
/// The page size if the request sets none, in entries.
pub(super) const DEFAULT_PAGE: usize = 50;
/// The size at which a page ends, in bytes. With one more entry, the response is still below the 4
/// MiB that most clients accept.
const ENOUGH_BYTES: usize = 1024 * 1024;
/// How many of these entries make a page: at most `size`, and at least one if there are any.
pub(super) fn fitting<T: Message>(entries: &[T], size: usize) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take(size).take_while(|entry| {
        let fits = bytes < ENOUGH_BYTES;
        bytes += entry.encoded_len();
        fits
    });
    fits.count()
}
