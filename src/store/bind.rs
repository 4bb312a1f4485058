//! Values in the form in which statements bind them.

/// A number for a `bigint`.
pub(super) fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One column of an `unnest`, in the order of the elements.
pub(super) fn column<'a, T, C>(things: &'a [T], value: impl Fn(&'a T) -> C) -> Vec<C> {
    things.iter().map(value).collect()
}
