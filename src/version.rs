//! Which build this is: the version, and the commit from which it was made. It has no time of the
//! build, so that two builds of a commit are the same.

use std::{fmt, sync::LazyLock};

use chrono::{DateTime, NaiveDate};

/// What is shown of a commit that the build did not know.
const UNKNOWN: &str = "unknown";

/// The version of this build.
pub static VERSION: LazyLock<Version> = LazyLock::new(|| {
    Version::new(env!("IDENTITY_LINK_BUILT_COMMIT"), env!("IDENTITY_LINK_BUILT_SECONDS"))
});

/// A version. Shown as `0.1.0 (commit 0123456789ab, 2026-11-30)`.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The version of the release, of the form `0.1.0`.
    pub number: &'static str,
    /// The beginning of the commit's hash, with `-dirty` if the sources were changed after it; or
    /// `unknown`.
    pub commit: &'static str,
    /// The UTC date of the commit; `None` if it is unknown.
    pub date: Option<NaiveDate>,
}

impl Version {
    /// `seconds` is when the commit was made, since 1970. Both may be empty.
    fn new(commit: &'static str, seconds: &str) -> Self {
        let made = seconds.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        Self {
            number: env!("CARGO_PKG_VERSION"),
            commit: if commit.is_empty() { UNKNOWN } else { commit },
            date: made.map(|made| made.date_naive()),
        }
    }

    /// The date of the commit, of the form `2026-11-30`; or `unknown`.
    pub fn date_text(&self) -> String {
        self.date.map_or_else(|| UNKNOWN.to_owned(), |date| date.to_string())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (commit {}, {})", self.number, self.commit, self.date_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_names_its_commit_and_the_day_of_it() {
        let shown = |commit, seconds| {
            let text = Version::new(commit, seconds).to_string();
            text.strip_prefix(env!("CARGO_PKG_VERSION")).unwrap().to_owned()
        };
        assert_eq!(shown("0123456789ab", "1796083199"), " (commit 0123456789ab, 2026-11-30)");
        assert_eq!(
            shown("0123456789ab-dirty", "1796083200"),
            " (commit 0123456789ab-dirty, 2026-12-01)"
        );
        assert_eq!(shown("", ""), " (commit unknown, unknown)");
        assert_eq!(shown("v1", "yesterday"), " (commit v1, unknown)");
    }
}
