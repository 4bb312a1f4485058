//! The declared keys as data: for the reference page, the JSON Schema, the example, and the
//! problems with keys that are not known.

use std::{fmt, ops::Bound, time::Duration};

use super::keys::{DAY, Flag, HOUR, List, MINUTE, Nested, Number, OneOf, Presence, Text, Time};

/// A table and its keys.
pub(super) struct Table {
    /// Where the table is, such as `tenants.<tenant>`; empty for the file itself.
    pub(super) path: &'static str,
    /// What it is for.
    pub(super) about: String,
    pub(super) keys: Vec<KeyOfTable>,
}

/// A key and what it means.
pub(super) struct KeyOfTable {
    pub(super) name: &'static str,
    pub(super) meaning: String,
    pub(super) form: Described,
}

/// What the value of a key is.
pub(super) struct Described {
    pub(super) kind: Kind,
    /// The default is written as in TOML, which is also its JSON.
    pub(super) presence: Presence<String>,
}

/// The type of a value.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    List,
    Table,
    Flag,
    /// From the one to the other.
    Number(usize, usize),
    Time {
        /// In words, such as `from 1s to 1m`; `None` for any time.
        bounds: Option<String>,
    },
    OneOf(Vec<&'static str>),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("string"),
            Self::List => f.write_str("list of strings"),
            Self::Table => f.write_str("table"),
            Self::Flag => f.write_str("boolean"),
            Self::Number(least, most) => write!(f, "integer, from {least} to {most}"),
            Self::Time { bounds: None } => f.write_str("duration"),
            Self::Time { bounds: Some(bounds) } => write!(f, "duration, {bounds}"),
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word:?}`")).collect();
                write!(f, "one of {}", words.join(", "))
            }
        }
    }
}

/// The types of values.
pub(super) trait Form {
    fn described(&self) -> Described;
}

impl<T> Presence<T> {
    fn described(&self, kind: Kind, default: impl FnOnce(&T) -> String) -> Described {
        let presence = match self {
            Self::Required(why) => Presence::Required(why),
            Self::Optional => Presence::Optional,
            Self::Default(value) => Presence::Default(default(value)),
        };
        Described { kind, presence }
    }
}

impl Form for Text {
    fn described(&self) -> Described {
        self.described(Kind::Text, |text| format!("{text:?}"))
    }
}

impl Form for List {
    fn described(&self) -> Described {
        self.described(Kind::List, |items| format!("{items:?}"))
    }
}

impl Form for Nested {
    fn described(&self) -> Described {
        self.described(Kind::Table, |()| String::new())
    }
}

impl Form for Flag {
    fn described(&self) -> Described {
        Described { kind: Kind::Flag, presence: Presence::Default(self.default.to_string()) }
    }
}

impl Form for Number {
    fn described(&self) -> Described {
        let kind = Kind::Number(*self.bounds.start(), *self.bounds.end());
        Described { kind, presence: Presence::Default(self.default.to_string()) }
    }
}

impl Form for Time {
    fn described(&self) -> Described {
        let default = format!("{:?}", duration(self.default));
        let kind = Kind::Time { bounds: self.bounds_text() };
        Described { kind, presence: Presence::Default(default) }
    }
}

impl Time {
    /// The bounds in words; `None` if there are none.
    pub(super) fn bounds_text(&self) -> Option<String> {
        match self.bounds {
            (Bound::Included(least), Bound::Included(most)) => {
                Some(format!("from {} to {}", duration(least), duration(most)))
            }
            (Bound::Excluded(least), _) => Some(format!("longer than {}", duration(least))),
            (_, Bound::Included(most)) => Some(format!("at most {}", duration(most))),
            _ => None,
        }
    }
}

impl<T: PartialEq, const N: usize> Form for OneOf<T, N> {
    fn described(&self) -> Described {
        let kind = Kind::OneOf(self.words.iter().map(|(word, _)| *word).collect());
        let default = self.words.iter().find(|(_, value)| Some(value) == self.default.as_ref());
        let presence =
            default.map_or(Presence::Optional, |(word, _)| Presence::Default(format!("{word:?}")));
        Described { kind, presence }
    }
}

/// A duration as people write it: in one unit.
fn duration(duration: Duration) -> String {
    let units =
        [(DAY * 1000, "d"), (HOUR * 1000, "h"), (MINUTE * 1000, "m"), (1000, "s"), (1, "ms")];
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, name) =
        units.into_iter().find(|(unit, _)| millis > 0 && millis % unit == 0).unwrap_or((1000, "s"));
    format!("{}{name}", millis / unit)
}

impl Table {
    /// The path of one of its keys.
    pub(super) fn path_of(&self, key: &KeyOfTable) -> String {
        if self.path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{}.{}", self.path, key.name)
        }
    }

    /// The table as a file names it.
    pub(super) fn heading(&self) -> String {
        match self.path {
            "" => "the top of the file".to_owned(),
            path => format!("[{path}]"),
        }
    }
}
