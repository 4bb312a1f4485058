//! Users as Auth0's job `users-exports` writes them.

use std::io;

use serde_json::{Map, Value};

use super::{looks::Looks, shapes::UserBody};
use crate::{domain::User, transfer::export::UserForm};

/// The fields of a CSV file of which the client names none: those that an import reads.
const CSV_FIELDS: [&str; 12] = [
    "user_id",
    "email",
    "email_verified",
    "identities[0].connection",
    "username",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "created_at",
    "updated_at",
];
/// Fields that are never text that a person wrote.
const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// Users in the shape that they have over HTTP, with all fields, one JSON object for each.
#[derive(Debug, Clone)]
pub struct UserLines(Looks);

impl UserLines {
    /// `picture` is the URL of the operator's picture for users without one; `None` for the
    /// built-in drawing.
    pub fn new(picture: Option<&str>) -> Self {
        Self(Looks::new(picture))
    }
}

impl UserForm for UserLines {
    fn write(&self, user: &User, line: &mut Vec<u8>) -> io::Result<bool> {
        serde_json::to_writer(line, &UserBody::from_user(user, &self.0))?;
        Ok(true)
    }
}

/// Users as a job asks for them.
#[derive(Debug)]
pub(super) struct ExportForm {
    looks: Looks,
    /// Only users with an account of this connection; `None` for all.
    connection: Option<String>,
    is_csv: bool,
    /// Empty for all fields of JSON.
    fields: Vec<(FieldPath, String)>,
}

impl ExportForm {
    /// The form with these fields, each with its name in the export. A name that is no path is left
    /// out: the call that asked for it was refused.
    pub(super) fn new(
        looks: Looks,
        connection: Option<String>,
        is_csv: bool,
        fields: Vec<(String, String)>,
    ) -> Self {
        let fields = match (is_csv, fields.is_empty()) {
            (true, true) => CSV_FIELDS.map(|name| (name.to_owned(), name.to_owned())).into(),
            _ => fields,
        };
        let fields = fields.into_iter();
        let fields = fields.filter_map(|(path, name)| Some((FieldPath::parse(&path)?, name)));
        Self { looks, connection, is_csv, fields: fields.collect() }
    }
}

impl UserForm for ExportForm {
    fn header(&self) -> Option<String> {
        let names: Vec<String> = self.fields.iter().map(|(_, name)| quoted(name)).collect();
        self.is_csv.then(|| names.join(","))
    }

    fn write(&self, user: &User, line: &mut Vec<u8>) -> io::Result<bool> {
        let is_of = |connection: &String| {
            user.identities.iter().any(|identity| identity.connection == *connection)
        };
        if !self.connection.as_ref().is_none_or(is_of) {
            return Ok(false);
        }
        let body = UserBody::from_user(user, &self.looks);
        if self.fields.is_empty() {
            serde_json::to_writer(line, &body)?;
            return Ok(true);
        }
        let whole = serde_json::to_value(body)?;
        if self.is_csv {
            let cells = self.fields.iter().map(|(path, _)| cell(path, path.of(&whole)));
            line.extend_from_slice(cells.collect::<Vec<_>>().join(",").as_bytes());
        } else {
            let fields = self.fields.iter();
            let some: Map<String, Value> = fields
                .filter_map(|(path, name)| Some((name.clone(), path.of(&whole)?.clone())))
                .collect();
            serde_json::to_writer(line, &some)?;
        }
        Ok(true)
    }
}

/// A cell of CSV. Auth0 writes one `'` in front of each text, against formulas in spreadsheets.
fn cell(path: &FieldPath, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(time)) if TIMES.contains(&path.root()) => quoted(time),
        Some(Value::String(text)) => quoted(&format!("'{text}")),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        Some(value @ (Value::Array(_) | Value::Object(_))) => quoted(&format!("'{value}")),
    }
}

/// A text as a cell (RFC 4180 §2).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The path of a field in a user, such as `user_metadata.color` or `identities[0].connection`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl FieldPath {
    /// Reads a path: names between points, each of which may be followed by indexes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, mut indexes) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            if name.is_empty() || name.contains(']') {
                return None;
            }
            steps.push(Step::Name(name.to_owned()));
            while !indexes.is_empty() {
                let (index, rest) = indexes.strip_prefix('[')?.split_once(']')?;
                steps.push(Step::Index(index.parse().ok()?));
                indexes = rest;
            }
        }
        Some(Self(steps))
    }

    /// Its first name.
    fn root(&self) -> &str {
        match self.0.first() {
            Some(Step::Name(name)) => name,
            Some(Step::Index(_)) | None => "",
        }
    }

    /// Whether it is the whole of the user's metadata, or of its identities.
    pub(super) fn is_whole_object(&self) -> bool {
        matches!(self.0.as_slice(), [Step::Name(name)] if ["app_metadata", "identities", "user_metadata"].contains(&name.as_str()))
    }

    fn of<'a>(&self, user: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(user, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_a_value() {
        let user = json!({"a": {"b": [{"c": 1}, 2]}, "d": null});
        for (path, value) in [
            ("a.b[0].c", Some(json!(1))),
            ("a.b[1]", Some(json!(2))),
            ("a.b[2]", None),
            ("a.x", None),
            ("d", Some(Value::Null)),
            ("d.e", None),
        ] {
            assert_eq!(FieldPath::parse(path).unwrap().of(&user).cloned(), value, "{path}");
        }
        for bad in ["", ".", "a.", "[0]", "a[", "a[x]", "a[0", "a]", "a[0]b", "a[-1]"] {
            assert_eq!(FieldPath::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_in_csv_is_no_formula_and_stays_in_its_cell() {
        let name = FieldPath::parse("name").unwrap();
        let shown = |value: Value| cell(&name, Some(&value));
        assert_eq!(shown(json!("=SUM(A1)")), "\"'=SUM(A1)\"");
        assert_eq!(shown(json!("Mara \"Q\", jr\r\n")), "\"'Mara \"\"Q\"\", jr\r\n\"");
        assert_eq!([shown(json!(true)), shown(json!(5)), shown(Value::Null)], ["true", "5", ""]);
        assert_eq!(shown(json!({"a": ["=1"]})), "\"'{\"\"a\"\":[\"\"=1\"\"]}\"");
        let time = FieldPath::parse("created_at").unwrap();
        assert_eq!(
            cell(&time, Some(&json!("2026-01-02T03:04:05.006Z"))),
            "\"2026-01-02T03:04:05.006Z\""
        );
    }
}
