//! What a table of the configuration may hold. Each key is declared once, by `keys!`: the reader
//! takes the default and the bounds from there, and the reference page the meaning. A key without a
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

    /// The bounds in words, with each time as `shown` shows it; `None` if there are none.
    pub(super) fn bounds_text(&self, shown: impl Fn(Duration) -> String) -> Option<String> {
        match self.bounds {
            (Bound::Included(least), Bound::Included(most)) => {
                Some(format!("from {} to {}", shown(least), shown(most)))
            }
            (Bound::Excluded(least), _) => Some(format!("longer than {}", shown(least))),
            (_, Bound::Included(most)) => Some(format!("at most {}", shown(most))),
            _ => None,
        }
    }
}

/// One of some words, each of which stands for a value.
pub(super) struct OneOf<T, const N: usize> {
    pub(super) words: [(&'static str, T); N],
    pub(super) default: Option<T>,
}

/// Declares the keys of a table: their names, what their values are, and, as their documentation,
/// what they mean. `path` is where the table is in the file; `<tenant>` stands for a name that the
/// operator chooses.
macro_rules! keys {
    (
        $(#[doc = $about:literal])+
        static $KEYS:ident: $Keys:ident = $path:literal {
            $($(#[doc = $meaning:literal])+ $key:ident: $Form:ty = $form:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        pub(in crate::config) struct $Keys {
            $($(#[doc = $meaning])+ $key: $crate::config::keys::Key<$Form>,)+
        }

        static $KEYS: $Keys = $Keys {
            $($key: $crate::config::keys::Key { name: stringify!($key), form: $form },)+
        };

        #[cfg(test)]
        impl $Keys {
            /// Describes the table, for the reference page.
            pub(in crate::config) fn described() -> $crate::config::reference::Table {
                use $crate::config::reference::{Form as _, KeyOfTable, Table};
                let keys = vec![$(KeyOfTable {
                    name: $KEYS.$key.name,
                    meaning: [$($meaning),+].concat(),
                    form: $KEYS.$key.form.described(),
                }),+];
                Table { path: $path, about: [$($about),+].concat(), keys }
            }
        }
    };
}
pub(super) use keys;
