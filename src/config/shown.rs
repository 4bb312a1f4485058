//! The configuration as a server shows it to its operators: with all defaults, and without secrets.

use std::rc::Rc;

use serde_json::{Map, Value as Json, json};

use super::{
    described::{self, KeyOfTable, Kind},
    keys::Presence,
    source::{Entry, Table, Value},
    tables,
};

/// What stands for a secret.
const REDACTED: &str = "(redacted)";

/// The configuration. A table that is missing is shown if the server then uses its defaults.
pub(super) fn shown(file: &Table) -> Map<String, Json> {
    Shown(tables()).table("", file)
}

struct Shown(Vec<described::Table>);

impl Shown {
    /// A table. `path` is as it is declared, such as `tenants.<tenant>`.
    fn table(&self, path: &str, table: &Table) -> Map<String, Json> {
        let Some(declared) = self.at(path) else { return Map::new() };
        let keys = declared.keys.iter().filter_map(|key| {
            let entry = table.get(key.name);
            let shown = match key.form.kind {
                Kind::Table => self.nested(&declared.path_of(key), entry)?,
                _ => value(key, entry)?,
            };
            Some((key.name.to_owned(), shown))
        });
        keys.collect()
    }

    /// A table in a table; `None` if there is none.
    fn nested(&self, path: &str, entry: Option<&Entry>) -> Option<Json> {
        let present = match entry.map(|entry| &entry.value) {
            Some(Value::Table(table)) => Some(Rc::clone(table)),
            _ => None,
        };
        if let Some(declared) = self.at(path) {
            let is_required = |key: &KeyOfTable| matches!(key.form.presence, Presence::Required(_));
            if present.is_none() && declared.keys.iter().any(is_required) {
                return None;
            }
            return Some(self.table(path, &present.unwrap_or_default()).into());
        }
        // The operator chooses the names of the tables in it.
        let of_each = self.0.iter().find(|table| is_of_each(table.path, path))?;
        let tables: Map<String, Json> = present?
            .iter()
            .filter_map(|(name, entry)| match &entry.value {
                Value::Table(table) => Some((name.clone(), self.table(of_each.path, table).into())),
                _ => None,
            })
            .collect();
        Some(Json::Object(tables))
    }

    fn at(&self, path: &str) -> Option<&described::Table> {
        self.0.iter().find(|table| table.path == path)
    }
}

/// Whether a declared path is that of the tables in the table at `path`, as `issuers.<issuer>` is of
/// those in `issuers`.
fn is_of_each(declared: &str, path: &str) -> bool {
    let rest = declared.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| rest.starts_with('<') && rest.ends_with('>') && !rest.contains('.'))
}

/// The value of a key, or its default; `None` if it has neither.
fn value(key: &KeyOfTable, entry: Option<&Entry>) -> Option<Json> {
    let Some(entry) = entry else {
        // A default is written as in TOML, which is also its JSON.
        let Presence::Default(default) = &key.form.presence else { return None };
        return serde_json::from_str(default).ok();
    };
    Some(match &entry.value {
        Value::Text(text) => json!(text_without_secrets(key.name, text)),
        Value::Integer(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::List(items) => json!(items),
        Value::Table(_) | Value::Other => Json::Null,
    })
}

/// The text of a key, if it is no secret; of a URL what is neither a user nor a password, nor behind
/// a `?`. The name of a file is no secret.
fn text_without_secrets(key: &str, text: &str) -> String {
    let is_secret = ["secret", "password"].iter().any(|word| key.contains(word));
    if is_secret && !key.ends_with("_file") {
        return REDACTED.to_owned();
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        // A proxy is accepted without a scheme, too, and may then have a user and a password.
        None if key == "proxy" => (String::new(), text),
        None => return text.to_owned(),
    };
    let (rest, has_query) = match rest.split_once('?') {
        Some((rest, _)) => (rest, true),
        None => (rest, false),
    };
    // The last `@`: a password may have one, and a path has none in a URL that is accepted.
    let host = rest
        .rsplit_once('@')
        .map_or_else(|| rest.to_owned(), |(_, host)| format!("{REDACTED}@{host}"));
    format!("{scheme}{host}{}", if has_query { "?…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_user_its_password_and_its_query() {
        for (text, shown) in [
            ("postgres://me:open@sesame@db/x?password=sesame", "postgres://(redacted)@db/x?…"),
            ("postgres://db.example.com/x", "postgres://db.example.com/x"),
            ("http://sesame@proxy:3128", "http://(redacted)@proxy:3128"),
            ("https://a.example.com/jwks.json", "https://a.example.com/jwks.json"),
        ] {
            assert_eq!(text_without_secrets("url", text), shown);
        }
        let proxy = text_without_secrets("proxy", "me:open-sesame@proxy.example.com:3128");
        assert_eq!(proxy, "(redacted)@proxy.example.com:3128");
        assert_eq!(text_without_secrets("subject", "billing@production"), "billing@production");
        assert_eq!(text_without_secrets("client_secret", "sesame"), REDACTED);
        assert_eq!(text_without_secrets("client_secret_file", "google.secret"), "google.secret");
    }
}
