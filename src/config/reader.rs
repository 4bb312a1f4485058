//! Reads a table key by key and notes each problem instead of stopping at the first one.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::RangeBounds as _,
    rc::Rc,
    time::Duration,
};

use toml::{Table, Value};

use super::keys::{Flag, Key, List, Nested, Number, OneOf, Presence, Text, Time};

/// A table that is being read. A key that was never read is a problem too: a misspelt key would
/// otherwise silently mean its default.
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

    /// The default of a key that is missing. A key that is required is a problem.
    pub(super) fn missing<T: Copy>(&self, key: &Key<Presence<T>>) -> Option<T> {
        match key.form {
            Presence::Required(why) => {
                self.problem(key.name, format!("is required{why}"));
                None
            }
            Presence::Optional => None,
            Presence::Default(value) => Some(value),
        }
    }

    /// A string: `None` if the key is missing, `Some(None)` if its value is no string.
    fn string(&mut self, name: &str) -> Option<Option<String>> {
        match self.table.remove(name)? {
            Value::String(text) => Some(Some(text)),
            _ => {
                self.problem(name, "must be a string");
                Some(None)
            }
        }
    }

    pub(super) fn text(&mut self, key: &Key<Text>) -> Option<String> {
        self.string(key.name).unwrap_or_else(|| self.missing(key).map(str::to_owned))
    }

    /// A string that `parse` accepts; the error of `parse` says what would be accepted.
    pub(super) fn parsed<T>(
        &mut self,
        key: &Key<Text>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|problem| self.problem(key.name, problem)).ok()
    }

    /// The value of the word, or the default; `None` if there is no default, or the word is not one
    /// of the key's.
    pub(super) fn one_of<T: Clone, const N: usize>(&mut self, key: &Key<OneOf<T, N>>) -> Option<T> {
        let OneOf { words, default } = &key.form;
        let Some(text) = self.string(key.name) else { return default.clone() };
        let text = text?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known =
                words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
            self.problem(key.name, format!("must be one of {known}"));
        }
        found.map(|(_, value)| value.clone())
    }

    pub(super) fn flag(&mut self, key: &Key<Flag>) -> bool {
        match self.table.remove(key.name) {
            None => key.form.default,
            Some(Value::Boolean(value)) => value,
            Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
            Some(_) => {
                self.problem(key.name, "must be true or false");
                key.form.default
            }
        }
    }

    pub(super) fn number(&mut self, key: &Key<Number>) -> usize {
        self.number_or(key, key.form.default)
    }

    /// A number whose default depends on other keys.
    pub(super) fn number_or(&mut self, key: &Key<Number>, default: usize) -> usize {
        let bounds = &key.form.bounds;
        let number = match self.table.remove(key.name) {
            None => return default,
            Some(Value::Integer(number)) => usize::try_from(number).ok(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.filter(|number| bounds.contains(number)).unwrap_or_else(|| {
            self.problem(
                key.name,
                format!("must be a number from {} to {}", bounds.start(), bounds.end()),
            );
            default
        })
    }

    pub(super) fn time(&mut self, key: &Key<Time>) -> Duration {
        let Some(text) = self.string(key.name).flatten() else { return key.form.default };
        let Ok(time) = humantime::parse_duration(&text) else {
            self.problem(key.name, "must be a time such as \"30s\", \"10m\" or \"1h\"");
            return key.form.default;
        };
        if !key.form.bounds.contains(&time) {
            let bounds = key.form.bounds_text(|time| humantime::format_duration(time).to_string());
            self.problem(key.name, format!("must be {}", bounds.unwrap_or_default()));
        }
        time
    }

    /// A list of strings; in an environment variable, separated by commas.
    pub(super) fn list(&mut self, key: &Key<List>) -> Option<BTreeSet<String>> {
        let Some(value) = self.table.remove(key.name) else {
            return self
                .missing(key)
                .map(|items| items.iter().map(|item| (*item).to_owned()).collect());
        };
        let items: Option<Vec<String>> = match value {
            Value::String(text) => {
                Some(text.split(',').map(|item| item.trim().to_owned()).collect())
            }
            Value::Array(items) => {
                items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if items.is_none() {
            self.problem(key.name, "must be a list of strings");
        }
        items.map(BTreeSet::from_iter)
    }

    /// The table under this key, which the caller reads and finishes.
    pub(super) fn table(&mut self, key: &Key<Nested>) -> Option<Self> {
        if !self.has(key.name) {
            self.missing(key);
        }
        self.named(key.name)
    }

    /// The table under this key, or an empty one, in which each key has its default.
    pub(super) fn table_or_empty(&mut self, key: &Key<Nested>) -> Self {
        self.table(key).unwrap_or_else(|| self.below(key.name, Table::new()))
    }

    /// The tables in this one, by name.
    pub(super) fn tables(&mut self) -> Vec<(String, Self)> {
        let names: Vec<String> = self.table.keys().cloned().collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.named(&name)?))).collect()
    }

    fn named(&mut self, name: &str) -> Option<Self> {
        match self.table.remove(name)? {
            Value::Table(table) => Some(self.below(name, table)),
            _ => {
                self.problem(name, "must be a table");
                None
            }
        }
    }

    fn below(&self, name: &str, table: Table) -> Self {
        Self { path: format!("{}{name}.", self.path), table, problems: Rc::clone(&self.problems) }
    }

    /// Ends the reading of this table: each key that was not read is unknown. Returns all problems
    /// noted so far, in all tables.
    pub(super) fn finish(self) -> Vec<String> {
        for key in self.table.keys() {
            self.problem(key, "is not a known key");
        }
        self.problems.borrow().clone()
    }
}

/// Overrides a table by environment variables: `IDENTITY_LINK__DATABASE__URL` is `database.url`.
pub(super) fn overlay(table: &mut Table, environment: &BTreeMap<String, String>) {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix("IDENTITY_LINK__") else { continue };
        let mut keys = path.split("__").peekable();
        let mut table = &mut *table;
        while let Some(key) = keys.next() {
            let key = existing_key(table, key);
            if keys.peek().is_none() {
                table.insert(key, Value::String(value.clone()));
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
