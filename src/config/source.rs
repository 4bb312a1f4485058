//! The text of a configuration, and the environment laid over it, as tables that know where each of
//! their values came from.

use std::{collections::BTreeMap, rc::Rc};

use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};

/// The beginning of the names of environment variables that override keys.
pub const VARIABLES: &str = "IDENTITY_LINK__";

/// A table, by key.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key's value, and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// A value, as far as keys can have it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// `None` if it is out of range.
    Integer(Option<i64>),
    Flag(bool),
    /// `None` if an item is no string.
    List(Option<Vec<String>>),
    Table(Rc<Table>),
    /// Of a type that no key has.
    Other,
}

/// Parses the text of a file.
///
/// # Errors
/// Each place at which it is not TOML.
pub(super) fn parse(text: &str) -> Result<Table, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::of(text);
    if errors.is_empty() {
        return Ok(lines.table(table.get_ref()));
    }
    let mut problems: Vec<Problem> = errors.iter().map(|error| lines.not_toml(error)).collect();
    problems.sort_by(Problem::place);
    // After a mistake the rest of its line has no meaning. Nor have the keys of a table that is
    // there twice.
    problems.dedup_by(|later, first| {
        later.origin == first.origin || lines.are_of_one_table(first, later)
    });
    Err(problems)
}

/// The lines of a file.
struct Lines<'a> {
    text: &'a str,
    /// Where each one begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: [0].into_iter().chain(ends).collect() }
    }

    /// The number of the line with this position, from 1.
    fn number(&self, position: usize) -> usize {
        self.starts.partition_point(|start| *start <= position)
    }

    /// Whether the first problem is with the heading of a table, and the later one with its keys.
    fn are_of_one_table(&self, first: &Problem, later: &Problem) -> bool {
        let (Origin::Line(first), Origin::Line(later)) = (&first.origin, &later.origin) else {
            return false;
        };
        let is_heading = |line: &str| line.trim_start().starts_with('[');
        let mut between = self.text.lines().skip(first - 1).take(later - first + 1);
        between.next().is_some_and(is_heading) && !between.any(is_heading)
    }

    /// Where the text is not TOML, and why. Quotes nothing of the text, which contains passwords.
    fn not_toml(&self, error: &toml::de::Error) -> Problem {
        let mut problem = Problem::of_file(format!("is not TOML: {}", error.message()));
        if let Some(span) = error.span() {
            let line = self.number(span.start);
            let start = self.starts.get(line - 1).copied().unwrap_or_default();
            let before = self.text.get(start..span.start).unwrap_or_default();
            problem.origin = Origin::Line(line);
            problem.text =
                format!("is not TOML: column {}: {}", before.chars().count() + 1, error.message());
        }
        problem
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let key: &toml::Spanned<std::borrow::Cow<'_, str>> = key;
            let origin = Origin::Line(self.number(key.span().start));
            let entry = Entry { origin, value: self.value(value.get_ref()) };
            (key.get_ref().clone().into_owned(), entry)
        };
        table.iter().map(entry).collect()
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => {
                Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(items) => {
                let text =
                    |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
                Value::List(items.iter().map(text).collect())
            }
            DeValue::Table(table) => Value::Table(Rc::new(self.table(table))),
            DeValue::Float(_) | DeValue::Datetime(_) => Value::Other,
        }
    }
}

/// Overrides a table by environment variables: `IDENTITY_LINK__DATABASE__URL` is `database.url`.
pub(super) fn overlay(table: &mut Table, environment: impl IntoIterator<Item = (String, String)>) {
    for (name, text) in environment {
        let Some(path) = name.strip_prefix(VARIABLES) else { continue };
        let origin = Origin::Variable(name.as_str().into());
        let keys: Vec<&str> = path.split("__").collect();
        insert(table, &keys, &Entry { origin, value: Value::Text(text) });
    }
}

fn insert(table: &mut Table, path: &[&str], new: &Entry) {
    let Some((name, below)) = path.split_first() else { return };
    let key = existing_key(table, name);
    if below.is_empty() {
        table.insert(key, new.clone());
        return;
    }
    let entry = table.entry(key).or_insert_with(|| new.clone());
    if !matches!(entry.value, Value::Table(_)) {
        // The variable wins here too, so that reading reports the problem with it.
        *entry = Entry { origin: new.origin.clone(), value: Value::Table(Rc::default()) };
    }
    if let Value::Table(table) = &mut entry.value {
        insert(Rc::make_mut(table), below, new);
    }
}

/// The key as the file spells it: variables have no lower case, and rarely a '-'.
fn existing_key(table: &Table, name: &str) -> String {
    let plain = |key: &str| key.to_ascii_lowercase().replace('-', "_");
    let existing = table.keys().find(|key| plain(key) == plain(name));
    existing.cloned().unwrap_or_else(|| name.to_ascii_lowercase())
}

/// The variable that overrides the key of this path.
pub(super) fn variable(path: &str) -> String {
    format!("{VARIABLES}{}", path.to_ascii_uppercase().replace('.', "__").replace('-', "_"))
}
