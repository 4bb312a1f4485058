//! What a table of the configuration may hold. Each key is declared once, by `keys!`: the reader
//! takes the default and the bounds from there, and the reference page, the JSON Schema and the
//! example the meaning. A key without a
//! declaration cannot be read.

use std::{
    ops::{Bound, RangeInclusive},
    time::Duration,
};

/// A minute, in seconds.
pub(super) const MINUTE: u64 = 60;
/// An hour, in seconds.
pub(super) const HOUR: u64 = 60 * MINUTE;
/// A day, in seconds.
pub(super) const DAY: u64 = 24 * HOUR;

/// A time of this many seconds.
pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A key of a table.
pub(super) struct Key<F> {
    /// The name, as it is spelt in the file.
    pub(super) name: &'static str,
    /// What its value is: one of the types below.
    pub(super) form: F,
}

/// What holds if a key is missing.
pub(super) enum Presence<T> {
    /// The key is required. The text completes "is required".
    Required(&'static str),
    /// The key may be missing; or it depends on other keys whether it may.
    Optional,
    /// A missing key means this value.
    Default(T),
}

/// A string.
pub(super) type Text = Presence<&'static str>;
/// A list of strings.
pub(super) type List = Presence<&'static [&'static str]>;
/// A table with keys of its own.
pub(super) type Nested = Presence<()>;

/// `true` or `false`.
pub(super) struct Flag {
    pub(super) default: bool,
}

/// A whole number.
pub(super) struct Number {
    pub(super) default: usize,
    pub(super) bounds: RangeInclusive<usize>,
}

/// A time such as `"30s"`, `"10m"` or `"1h"`.
pub(super) struct Time {
    pub(super) default: Duration,
    pub(super) bounds: (Bound<Duration>, Bound<Duration>),
}

impl Time {
    /// A time from `least` to `most`.
    pub(super) const fn within(default: Duration, least: Duration, most: Duration) -> Self {
        Self { default, bounds: (Bound::Included(least), Bound::Included(most)) }
    }

    /// Any time up to `most`.
    pub(super) const fn at_most(default: Duration, most: Duration) -> Self {
        Self { default, bounds: (Bound::Unbounded, Bound::Included(most)) }
    }

    /// Any time but zero.
    pub(super) const fn not_zero(default: Duration) -> Self {
        Self { default, bounds: (Bound::Excluded(Duration::ZERO), Bound::Unbounded) }
    }

    /// Any time.
    pub(super) const fn any(default: Duration) -> Self {
        Self { default, bounds: (Bound::Unbounded, Bound::Unbounded) }
    }
}

/// One of some words, each of which stands for a value.
pub(super) struct OneOf<T, const N: usize> {
    pub(super) words: [(&'static str, T); N],
    pub(super) default: Option<T>,
}
