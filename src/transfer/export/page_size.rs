//! How many users are read at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The most users of a page.
const MAX_USERS: usize = 1000;
/// About how many bytes of lines a page makes at most.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The number of users of the next page, so that pages of large users take no more memory than
/// others. Clones share it.
#[derive(Clone)]
pub(super) struct PageSize(Arc<AtomicUsize>);

impl PageSize {
    /// The size before anything is known of the users: small, since each may have megabytes.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_USERS / 10)))
    }

    /// How many users to read; at least one.
    pub(super) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Records that so many users made lines of so many bytes.
    pub(super) fn measured(&self, users: usize, bytes: usize) {
        let average = bytes.checked_div(users).unwrap_or_default().max(1);
        self.0.store((MAX_BYTES / average).clamp(1, MAX_USERS), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_large_users_have_fewer_of_them() {
        let size = PageSize::new();
        assert_eq!(size.get(), 100);
        for (users, bytes, next) in
            [(100, 40_000, 1000), (1000, 50_000_000, 83), (1, 9_000_000, 1), (0, 0, 1000)]
        {
            size.measured(users, bytes);
            assert_eq!(size.get(), next, "{users} users of {bytes} bytes");
        }
    }
}
