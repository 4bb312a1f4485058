//! The problems of a configuration: where each one is, and what would be accepted.

use std::{cmp::Ordering, collections::BTreeSet, fmt, sync::Arc};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Nowhere: it is missing in the file as a whole.
    File,
    /// This line of the file.
    Line(usize),
    /// This environment variable.
    Variable(Arc<str>),
}

/// A mistake in a configuration. It shows nothing of a value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub(super) origin: Origin,
    /// The path of the key, such as `database.url`; empty for the file itself.
    pub(super) key: String,
    pub(super) text: String,
    /// The paths of keys that are missing, any of which could solve the problem.
    pub(super) lacks: Vec<String>,
}

impl Problem {
    /// A problem with the file as a whole.
    pub(super) fn of_file(text: String) -> Self {
        Self { origin: Origin::File, key: String::new(), text, lacks: Vec::new() }
    }

    /// The path of the key, such as `database.url`; empty for the file itself.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The order in which problems are listed: first what the file lacks, then by line.
    pub(super) fn place(&self, other: &Self) -> Ordering {
        self.origin.cmp(&other.origin)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File => {}
            Origin::Line(line) => write!(f, "line {line}: ")?,
            Origin::Variable(name) => write!(f, "{name}: ")?,
        }
        match self.key.as_str() {
            "" => f.write_str(&self.text),
            key => write!(f, "{key}: {}", self.text),
        }
    }
}

/// All problems of a configuration, in the order of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<Problem>);

impl ConfigProblems {
    /// Orders the problems, and leaves out those that come from another one: a key is not missing
    /// if it is there with a misspelt name.
    pub(super) fn new(mut problems: Vec<Problem>, misspelt: &BTreeSet<String>) -> Self {
        problems.retain(|problem| !problem.lacks.iter().any(|key| misspelt.contains(key)));
        problems.sort_by(Problem::place);
        Self(problems)
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigProblems {}

/// The candidate that was probably meant by this word; `None` if none is near enough.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let word = plain(word);
    let distances = candidates.into_iter().map(|candidate| {
        let candidate_plain = plain(candidate);
        let longest = word.chars().count().min(candidate_plain.chars().count()) / 3;
        let distance = strsim::damerau_levenshtein(&word, &candidate_plain);
        (distance, longest.max(1), candidate)
    });
    let near = distances.filter(|(distance, longest, candidate)| {
        // A single character is near to any other.
        distance <= longest && (*distance == 0 || candidate.len() > 2)
    });
    near.min_by_key(|(distance, ..)| *distance).map(|(.., candidate)| candidate)
}

/// The end of a problem's text: the value that was probably meant, if there is one.
pub(super) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(word, candidates).map(|found| format!(": did you mean {found:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        let known = ["listen", "database", "max_connections", "url", "client_id", "tenants", "tls"];
        for (word, meant) in [
            ("lissten", "listen"),
            ("litsen", "listen"),
            ("data-base", "database"),
            ("max-connections", "max_connections"),
            ("maxConnection", "max_connections"),
            ("uri", "url"),
            ("ClientID", "client_id"),
            ("tenant", "tenants"),
        ] {
            assert_eq!(nearest(word, known), Some(meant), "{word}");
        }
        for word in ["", "a", "password", "port", "listeners", "time"] {
            assert_eq!(nearest(word, known), None, "{word}");
        }
    }
}
