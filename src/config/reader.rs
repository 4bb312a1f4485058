//! Reads a table key by key and notes each problem instead of stopping at the first one.

use std::{
    cell::RefCell, collections::BTreeSet, net::SocketAddr, ops::RangeBounds as _, rc::Rc,
    time::Duration,
};

use super::{
    described::{self, KeyOfTable},
    keys::{Flag, Key, List, Nested, Number, OneOf, Presence, Text, Time},
    problem::{ConfigProblems, Origin, Problem, did_you_mean, nearest},
    source::{Entry, Table, Value, variable},
    tables,
};

/// A table of at most so many keys is small enough to list them.
const FEW: usize = 8;

/// A table that is being read. A key that was never read is a problem too: a misspelt key would
/// otherwise silently mean its default.
pub(super) struct Reader {
    path: String,
    /// Where the table is.
    origin: Origin,
    table: Rc<Table>,
    /// The keys that have been read.
    read: BTreeSet<String>,
    notes: Rc<RefCell<Notes>>,
}

/// What has been noticed, in all tables.
#[derive(Default)]
struct Notes {
    problems: Vec<Problem>,
    /// The paths of keys that are probably meant by keys that are not known.
    misspelt: BTreeSet<String>,
}

impl Reader {
    pub(super) fn new(table: Table) -> Self {
        Self {
            path: String::new(),
            origin: Origin::File,
            table: Rc::new(table),
            read: BTreeSet::new(),
            notes: Rc::default(),
        }
    }

    /// Notes a problem with a key of this table, or with `table.key` below it.
    pub(super) fn problem(&self, key: &str, text: impl std::fmt::Display) {
        self.note(key, text.to_string(), Vec::new());
    }

    /// Notes that each of these keys of this table is missing, one of which is required. The problem
    /// is that of the first.
    pub(super) fn lacks(&self, keys: &[&str], text: impl std::fmt::Display) {
        let paths = keys.iter().map(|key| self.path_of(key)).collect();
        self.note(keys.first().copied().unwrap_or_default(), text.to_string(), paths);
    }

    /// Notes a problem with a key of this table, which could be solved by a key that is missing
    /// elsewhere, at this path.
    pub(super) fn lacks_elsewhere(&self, key: &str, text: impl std::fmt::Display, path: String) {
        self.note(key, text.to_string(), vec![path]);
    }

    fn note(&self, key: &str, text: String, lacks: Vec<String>) {
        let origin = origin_of(&self.table, key).unwrap_or(&self.origin).clone();
        let problem = Problem { origin, key: self.path_of(key), text, lacks };
        self.notes.borrow_mut().problems.push(problem);
    }

    fn path_of(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Skips keys that another noted problem already covers.
    pub(super) fn skip<const N: usize>(&mut self, keys: [&str; N]) {
        self.read.extend(keys.map(str::to_owned));
    }

    /// The value of a key, which counts as read.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.read.insert(name.to_owned());
        self.table.get(name).map(|entry| entry.value.clone())
    }

    /// The default of a key that is missing. A key that is required is a problem.
    pub(super) fn missing<T: Copy>(&self, key: &Key<Presence<T>>) -> Option<T> {
        match key.form {
            Presence::Required(why) => {
                self.lacks(&[key.name], format!("is required{why}"));
                None
            }
            Presence::Optional => None,
            Presence::Default(value) => Some(value),
        }
    }

    /// A string: `None` if the key is missing, `Some(None)` if its value is no string.
    fn string(&mut self, name: &str) -> Option<Option<String>> {
        match self.take(name)? {
            Value::Text(text) => Some(Some(text)),
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

    /// The address and the port of a listener.
    pub(super) fn address(&mut self, key: &Key<Text>) -> Option<SocketAddr> {
        let text = match self.take(key.name) {
            None => return self.missing(key).and_then(|text| text.parse().ok()),
            Some(Value::Text(text)) => text,
            // A port without quotes.
            Some(Value::Integer(Some(number))) => number.to_string(),
            Some(_) => String::new(),
        };
        let address = text.parse().ok();
        if address.is_none() {
            let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
            let port = port.unwrap_or(50051);
            self.problem(
                key.name,
                format!(
                    "must be an address and a port in quotes, such as \"127.0.0.1:{port}\" for this machine only, or \
                     \"0.0.0.0:{port}\" for all networks"
                ),
            );
        }
        address
    }

    /// The value of the word, or the default; `None` if there is no default, or the word is not one
    /// of the key's.
    pub(super) fn one_of<T: Clone, const N: usize>(&mut self, key: &Key<OneOf<T, N>>) -> Option<T> {
        let OneOf { words, default } = &key.form;
        let text = match self.take(key.name) {
            None => return default.clone(),
            Some(Value::Text(text)) => text,
            Some(_) => String::new(),
        };
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words = || words.iter().map(|(word, _)| *word);
            let known = words().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
            let meant = did_you_mean(&text, words());
            self.problem(key.name, format!("must be one of {known}{meant}"));
        }
        found.map(|(_, value)| value.clone())
    }

    pub(super) fn flag(&mut self, key: &Key<Flag>) -> bool {
        match self.take(key.name) {
            None => key.form.default,
            Some(Value::Flag(value)) => value,
            Some(Value::Text(text)) if text == "true" || text == "false" => text == "true",
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
        let number = match self.take(key.name) {
            None => return default,
            Some(Value::Integer(number)) => number.and_then(|number| usize::try_from(number).ok()),
            Some(Value::Text(text)) => text.parse().ok(),
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

    /// A time; its default if there is a problem with it.
    pub(super) fn time(&mut self, key: &Key<Time>) -> Duration {
        let text = match self.take(key.name) {
            None => return key.form.default,
            Some(Value::Text(text)) => text,
            Some(_) => String::new(),
        };
        let bounds = key.form.bounds_text();
        let problem = match humantime::parse_duration(&text) {
            Ok(time) if key.form.bounds.contains(&time) => return time,
            Ok(_) => format!("must be {}", bounds.unwrap_or_default()),
            Err(_) => {
                let bounds = bounds.map(|bounds| format!(", {bounds}")).unwrap_or_default();
                format!("must be a time with its unit, such as \"30s\", \"10m\" or \"1h\"{bounds}")
            }
        };
        self.problem(key.name, problem);
        key.form.default
    }

    /// A list of strings; in an environment variable, separated by commas.
    pub(super) fn list(&mut self, key: &Key<List>) -> Option<BTreeSet<String>> {
        let items = match self.take(key.name) {
            None => {
                let items = self.missing(key)?;
                return Some(items.iter().map(|item| (*item).to_owned()).collect());
            }
            Some(Value::Text(text)) => {
                Some(text.split(',').map(|item| item.trim().to_owned()).collect())
            }
            Some(Value::List(items)) => items,
            Some(_) => None,
        };
        if items.is_none() {
            self.problem(key.name, "must be a list of strings, such as [\"a\", \"b\"]");
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
        self.table(key).unwrap_or_else(|| self.below(key.name, Rc::default()))
    }

    /// The tables in this one, by name.
    pub(super) fn tables(&mut self) -> Vec<(String, Self)> {
        let names: Vec<String> = self.table.keys().cloned().collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.named(&name)?))).collect()
    }

    fn named(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Value::Table(table) => Some(self.below(name, table)),
            _ => {
                self.problem(name, format!("must be a table: [{}]", self.path_of(name)));
                None
            }
        }
    }

    fn below(&self, name: &str, table: Rc<Table>) -> Self {
        Self {
            path: format!("{}{name}.", self.path),
            origin: self.table.get(name).map_or(&self.origin, |entry| &entry.origin).clone(),
            table,
            read: BTreeSet::new(),
            notes: Rc::clone(&self.notes),
        }
    }

    /// Ends the reading of this table, which may have these keys: each other one is a problem.
    pub(super) fn finish(self, declared: &described::Table) {
        for (key, entry) in self.table.iter().filter(|(key, _)| !self.read.contains(*key)) {
            let text = match declared.keys.iter().find(|of| of.name == key) {
                Some(known) => does_not_apply(known),
                None => self.unknown(key, entry, declared),
            };
            self.problem(key, text);
        }
    }

    /// Ends the reading of the whole file, and returns all problems.
    pub(super) fn finish_all(self, declared: &described::Table) -> ConfigProblems {
        let notes = Rc::clone(&self.notes);
        self.finish(declared);
        let Notes { problems, misspelt } = notes.take();
        ConfigProblems::new(problems, &misspelt)
    }

    /// Says of a key that is not known what was probably meant.
    fn unknown(&self, key: &str, entry: &Entry, declared: &described::Table) -> String {
        // Of two that are as near, the one that is not there yet.
        let mut names: Vec<&str> = declared.keys.iter().map(|key| key.name).collect();
        names.sort_by_key(|name| self.has(name));
        if let Some(meant) = nearest(key, names.iter().copied()) {
            let path = self.path_of(meant);
            let meant = match &entry.origin {
                Origin::Variable(_) => variable(&path),
                _ if self.has(meant) => format!("{meant:?}, which is there already"),
                _ => format!("{meant:?}"),
            };
            self.notes.borrow_mut().misspelt.insert(path);
            return format!("is not a known key: did you mean {meant}?");
        }
        let all = tables();
        let has_it = |table: &&described::Table| table.keys.iter().any(|of| of.name == key);
        match all.iter().find(has_it) {
            // A key after the heading of a table is one of that table.
            Some(root) if root.path.is_empty() => {
                self.notes.borrow_mut().misspelt.insert(key.to_owned());
                "is not a key of this table: it belongs above the first [table] of the file"
                    .to_owned()
            }
            Some(other) => {
                if !other.path.contains('<') {
                    self.notes.borrow_mut().misspelt.insert(format!("{}.{key}", other.path));
                }
                format!("is not a known key here: it belongs to {}", other.heading())
            }
            None if names.len() <= FEW => {
                format!("is not a known key: there are {}", names.join(", "))
            }
            None => "is not a known key: `identity-link config example` shows all".to_owned(),
        }
    }
}

/// Says of a key that it has no effect beside the other keys, and of what it is.
fn does_not_apply(key: &KeyOfTable) -> String {
    let mut sentences = key.meaning.trim().split(". ").map(|text| text.trim_end_matches('.'));
    match sentences.find(|sentence| sentence.contains(" only")) {
        Some(limit) => format!("does not apply here ({})", limit.replace('`', "")),
        None => "does not apply beside the other keys of this table".to_owned(),
    }
}

/// Where a key is, or `table.key` below it. A table's name may itself contain dots.
fn origin_of<'a>(table: &'a Table, path: &str) -> Option<&'a Origin> {
    if let Some(entry) = table.get(path) {
        return Some(&entry.origin);
    }
    table.iter().find_map(|(key, entry)| {
        let rest = path.strip_prefix(key.as_str())?.strip_prefix('.')?;
        match &entry.value {
            Value::Table(below) => Some(origin_of(below, rest).unwrap_or(&entry.origin)),
            _ => None,
        }
    })
}
