//! The reference page of the configuration, made from the declared keys.

use std::{fmt::Write as _, path::Path, time::Duration};

use expect_test::expect_file;

use super::{
    Config, auth0, feed, issuers,
    keys::{DAY, Flag, HOUR, List, MINUTE, Nested, Number, OneOf, Presence, Text, Time},
    listener, management, oauth, outgoing, providers, rate_limits, services, tenants, tls, tracing,
};

const TITLE: &str = "# Configuration

This page is generated from the code; a test keeps it current.

The configuration is one TOML file. `identity-link check-config` lists all problems of a file at once. A key that is
not on this page is a problem, too. Relative paths start at the folder of the file. A duration is a string with units,
such as `\"30s\"`, `\"10m\"`, `\"1h\"` or `\"90d\"`.

An environment variable overrides a key of the file. In its name, replace `<TENANT>`, `<PROVIDER>`, `<ISSUER>` and
`<SERVICE>` by the name in the file, in capitals, with `_` for `-`. A list is then one text, with commas between its items.
";

/// The type of a key that is a table.
const TABLE: &str = "table";

/// A table and its keys.
pub(super) struct Table {
    /// Where the table is, such as `tenants.<tenant>`; empty for the file itself.
    pub(super) path: &'static str,
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
    kind: String,
    presence: Presence<String>,
}

/// The types of values.
pub(super) trait Form {
    fn described(&self) -> Described;
}

impl<T> Presence<T> {
    fn described(&self, kind: &str, default: impl FnOnce(&T) -> String) -> Described {
        let presence = match self {
            Self::Required(why) => Presence::Required(why),
            Self::Optional => Presence::Optional,
            Self::Default(value) => Presence::Default(default(value)),
        };
        Described { kind: kind.to_owned(), presence }
    }
}

impl Form for Text {
    fn described(&self) -> Described {
        self.described("string", |text| format!("{text:?}"))
    }
}

impl Form for List {
    fn described(&self) -> Described {
        self.described("list of strings", |items| format!("{items:?}"))
    }
}

impl Form for Nested {
    fn described(&self) -> Described {
        self.described(TABLE, |()| String::new())
    }
}

impl Form for Flag {
    fn described(&self) -> Described {
        Described {
            kind: "boolean".to_owned(),
            presence: Presence::Default(self.default.to_string()),
        }
    }
}

impl Form for Number {
    fn described(&self) -> Described {
        let kind = format!("integer, from {} to {}", self.bounds.start(), self.bounds.end());
        Described { kind, presence: Presence::Default(self.default.to_string()) }
    }
}

impl Form for Time {
    fn described(&self) -> Described {
        let bounds =
            self.bounds_text(duration).map(|bounds| format!(", {bounds}")).unwrap_or_default();
        let default = format!("{:?}", duration(self.default));
        Described { kind: format!("duration{bounds}"), presence: Presence::Default(default) }
    }
}

impl<T: PartialEq, const N: usize> Form for OneOf<T, N> {
    fn described(&self) -> Described {
        let words: Vec<String> = self.words.iter().map(|(word, _)| format!("`{word:?}`")).collect();
        let default = self.words.iter().find(|(_, value)| Some(value) == self.default.as_ref());
        let presence =
            default.map_or(Presence::Optional, |(word, _)| Presence::Default(format!("{word:?}")));
        Described { kind: format!("one of {}", words.join(", ")), presence }
    }
}

/// A duration as people write it: in one unit.
fn duration(duration: Duration) -> String {
    let units =
        [(DAY * 1000, "d"), (HOUR * 1000, "h"), (MINUTE * 1000, "m"), (1000, "s"), (1, "ms")];
    let millis = u64::try_from(duration.as_millis()).unwrap();
    let (unit, name) =
        units.into_iter().find(|(unit, _)| millis > 0 && millis % unit == 0).unwrap_or((1000, "s"));
    format!("{}{name}", millis / unit)
}

/// All tables, in the order of the page.
fn tables() -> Vec<Table> {
    vec![
        super::RootKeys::described(),
        tls::TlsKeys::described(),
        listener::ListenerKeys::described(),
        management::ManagementKeys::described(),
        tracing::TracingKeys::described(),
        super::DatabaseKeys::described(),
        outgoing::OutgoingKeys::described(),
        feed::FeedKeys::described(),
        services::ServiceKeys::described(),
        rate_limits::RateLimitKeys::described(),
        rate_limits::ServiceLimitKeys::described(),
        rate_limits::UserLimitKeys::described(),
        rate_limits::NamedServiceKeys::described(),
        auth0::Auth0Keys::described(),
        tenants::TenantKeys::described(),
        providers::ProviderKeys::described(),
        oauth::OauthKeys::described(),
        issuers::IssuerKeys::described(),
        issuers::LinkWithKeys::described(),
    ]
}

impl Table {
    /// The path of a key, as messages have it.
    fn path_of(&self, key: &KeyOfTable) -> String {
        if self.path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{}.{}", self.path, key.name)
        }
    }
}

/// The environment variable that overrides the key of this path.
fn variable(path: &str) -> String {
    format!("IDENTITY_LINK__{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// Lines of at most 120 characters, none of which ends inside of a code span.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.matches('`').count() % 2 == 1 || line.len() + word.len() < 120 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn page() -> String {
    let mut page = TITLE.to_owned();
    for table in tables() {
        let heading = if table.path.is_empty() {
            "Top level".to_owned()
        } else {
            format!("`[{}]`", table.path)
        };
        let _ = write!(page, "\n## {heading}\n\n{}\n", wrapped(&table.about));
        for key in &table.keys {
            let path = table.path_of(key);
            let Described { kind, presence } = &key.form;
            let _ = write!(page, "\n### `{path}`\n\n{}\n\n- Type: {kind}\n", wrapped(&key.meaning));
            match presence {
                Presence::Required(_) => page.push_str("- Required\n"),
                Presence::Optional => {}
                Presence::Default(default) => page.push_str(&format!("- Default: `{default}`\n")),
            }
            if kind != TABLE {
                let _ = writeln!(page, "- Environment: `{}`", variable(&path));
            }
        }
    }
    page
}

#[test]
fn the_reference_page_is_that_of_the_code() {
    expect_file!["../../docs/reference/configuration.md"].assert_eq(&page());
}

/// Files in which, together, each key is read: some keys are read only beside others.
const FILES: [&str; 4] = [
    "",
    "[tenants.t.providers.p.oauth]\npreset = \"microsoft\"\n[issuers.i]\nkind = \"user\"\nsubject = \"subject\"\n\
     audiences = [\"a\"]\n",
    "[tenants.t.providers.p.oauth]\npreset = \"github\"\n[issuers.i]\nkind = \"user\"\nsubject = \"identity\"\n",
    "[issuers.i]\nkind = \"service\"\ntenant_claim = \"t\"\n",
];

/// The paths and the variables of the page are those that the reader knows: under each, a table
/// where a value belongs is a problem with just this key.
#[test]
fn each_key_of_the_reference_page_is_read() {
    for table in tables() {
        for key in table.keys.iter().filter(|key| key.form.kind != TABLE) {
            let path = table
                .path_of(key)
                .replace("<tenant>", "t")
                .replace("<provider>", "p")
                .replace("<issuer>", "i")
                .replace("<service>", "s");
            let wrong = (format!("{}__X", variable(&path)), "1".to_owned());
            let problems = FILES
                .map(|file| Config::parse(file, Path::new("."), [wrong.clone()]).err().unwrap().0);
            let expected = format!("{path}: must be ");
            assert!(
                problems.iter().flatten().any(|problem| problem.starts_with(&expected)),
                "{path}: {problems:#?}"
            );
        }
    }
}
