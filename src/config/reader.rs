//! Reads a table key by key and notes each problem instead of stopping at the first one.

use std::{cell::RefCell, collections::BTreeSet, ops::RangeInclusive, rc::Rc, time::Duration};

use toml::{Table, Value};

/// A table that is being read. A key that was never read is a problem too: a misspelt key would otherwise silently
/// mean its default.
pub(super) struct Reader {
    path: String,
    table: Table,
    problems: Rc<RefCell<Vec<String>>>,
}

impl Reader {
    pub(super) fn new(table: Table) -> Self {
        Self { path: String::new(), table, problems: Rc::default() }
    }

    /// Notes a problem with a key of this table.
    pub(super) fn problem(&self, key: &str, text: impl std::fmt::Display) {
        self.problems.borrow_mut().push(format!("{}{key}: {text}", self.path));
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether all keys have been read.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Skips keys that another noted problem already covers.
    pub(super) fn skip<const N: usize>(&mut self, keys: [&str; N]) {
        for key in keys {
            self.table.remove(key);
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) => Some(text),
            _ => {
                self.problem(key, "must be a string");
                None
            }
        }
    }

    pub(super) fn required_text(&mut self, key: &str) -> Option<String> {
        if !self.has(key) {
            self.problem(key, "is required");
        }
        self.text(key)
    }

    /// A string that `parse` accepts; the error of `parse` says what would be accepted.
    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|problem| self.problem(key, problem)).ok()
    }

    /// The value that belongs to the string, which must be one of these words.
    pub(super) fn one_of<T, const N: usize>(&mut self, key: &str, words: [(&str, T); N]) -> Option<T> {
        let text = self.text(key)?;
        let known = words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let found = words.into_iter().find(|(word, _)| *word == text);
        if found.is_none() {
            self.problem(key, format!("must be one of {known}"));
        }
        found.map(|(_, value)| value)
    }

    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(value)) => value,
            Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
            Some(_) => {
                self.problem(key, "must be true or false");
                default
            }
        }
    }

    pub(super) fn number(&mut self, key: &str, default: usize, bounds: RangeInclusive<usize>) -> usize {
        let number = match self.table.remove(key) {
            None => return default,
            Some(Value::Integer(number)) => usize::try_from(number).ok(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.filter(|number| bounds.contains(number)).unwrap_or_else(|| {
            self.problem(key, format!("must be a number from {} to {}", bounds.start(), bounds.end()));
            default
        })
    }

    pub(super) fn duration(&mut self, key: &str, default: Duration) -> Duration {
        self.parsed(key, |text| {
            humantime::parse_duration(text).map_err(|_| "must be a time such as \"30s\", \"10m\" or \"1h\"".to_owned())
        })
        .unwrap_or(default)
    }

    /// A duration within bounds, or its default.
    pub(super) fn duration_within(
        &mut self,
        key: &str,
        (default, bounds): (Duration, RangeInclusive<Duration>),
    ) -> Duration {
        let duration = self.duration(key, default);
        if !bounds.contains(&duration) {
            let [least, most] = [bounds.start(), bounds.end()].map(|bound| humantime::format_duration(*bound));
            self.problem(key, format!("must be from {least} to {most}"));
        }
        duration
    }

    /// A list of strings; in an environment variable, separated by commas.
    pub(super) fn list(&mut self, key: &str) -> Option<BTreeSet<String>> {
        let items: Option<Vec<String>> = match self.table.remove(key)? {
            Value::String(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
            Value::Array(items) => items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        if items.is_none() {
            self.problem(key, "must be a list of strings");
        }
        items.map(BTreeSet::from_iter)
    }

    /// The table under this key, which the caller reads and finishes.
    pub(super) fn table(&mut self, key: &str) -> Option<Self> {
        match self.table.remove(key)? {
            Value::Table(table) => {
                let path = format!("{}{key}.", self.path);
                Some(Self { path, table, problems: Rc::clone(&self.problems) })
            }
            _ => {
                self.problem(key, "must be a table");
                None
            }
        }
    }

    /// The tables in this one, by name.
    pub(super) fn tables(&mut self) -> Vec<(String, Self)> {
        let names: Vec<String> = self.table.keys().cloned().collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.table(&name)?))).collect()
    }

    /// Ends the reading of this table: each key that was not read is unknown. Returns all problems noted so far, in
    /// all tables.
    pub(super) fn finish(self) -> Vec<String> {
        for key in self.table.keys() {
            self.problem(key, "is not a known key");
        }
        self.problems.borrow().clone()
    }
}

/// Overrides a table by environment variables: `IDENTITY_LINK__DATABASE__URL` is `database.url`.
pub(super) fn overlay(table: &mut Table, environment: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix("IDENTITY_LINK__") else { continue };
        let mut keys = path.split("__").peekable();
        let mut table = &mut *table;
        while let Some(key) = keys.next() {
            let key = existing_key(table, key);
            if keys.peek().is_none() {
                table.insert(key, Value::String(value));
                break;
            }
            let below = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                // The variable wins here too, so that reading reports the problem with it.
                *below = Value::Table(Table::new());
            }
            match below {
                Value::Table(below) => table = below,
                _ => break,
            }
        }
    }
}

/// The key as the file spells it: variables have no lower case, and rarely a '-'.
fn existing_key(table: &Table, name: &str) -> String {
    let plain = |key: &str| key.to_ascii_lowercase().replace('-', "_");
    let existing = table.keys().find(|key| plain(key) == plain(name));
    existing.cloned().unwrap_or_else(|| name.to_ascii_lowercase())
}
