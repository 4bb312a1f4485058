//! How long a page is.

use prost::Message;

pub(super) use crate::calls::page::{Pages, WRONG_TOKEN};

/// The largest page of users or links, in entries.
pub(super) const MAX_PAGE: usize = 100;
/// The page of whoever does not say.
pub(super) const DEFAULT_PAGE: usize = 50;
/// A page that has grown to this size ends, in bytes: with one more entry, an answer is still below
/// the 4 MiB that most clients take.
const ENOUGH_BYTES: usize = 1024 * 1024;
/// How many of these entries make a page: at most `size`, and at least one if there is any.
pub(super) fn fitting<T: Message>(entries: &[T], size: usize) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take(size).take_while(|entry| {
        let fits = bytes < ENOUGH_BYTES;
        bytes += entry.encoded_len();
        fits
    });
    fits.count()
}
