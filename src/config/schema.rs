//! The JSON Schema of the configuration file, made from the declared keys. Editors complete and
//! check a file by it. Rules between keys are not in it: `config check` has them all.

use serde_json::{Map, Value, json};

use super::{
    described::{KeyOfTable, Kind, Table},
    keys::Presence,
    tables,
};

/// The dialect of the schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Numbers, each with a unit.
const TIME: &str = r"^\s*([0-9.]+\s*[A-Za-zµ]+\s*)+$|^0$";
/// The name of a tenant or of a provider.
const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,63}$";

/// The schema of the whole file.
pub(super) fn schema() -> Value {
    let tables = tables();
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "identity-link",
        "description": "The configuration of identity-link. An environment variable overrides each key of it.",
    });
    if let (Some(schema), Some(root)) = (schema.as_object_mut(), table(&tables, "")) {
        schema.extend(object(&tables, root));
    }
    schema
}

fn table<'a>(tables: &'a [Table], path: &str) -> Option<&'a Table> {
    tables.iter().find(|table| table.path == path)
}

/// What is said of a table that has these keys.
fn object(tables: &[Table], table: &Table) -> Map<String, Value> {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(tables, table, key))).collect();
    let required: Vec<&str> = table
        .keys
        .iter()
        .filter(|key| matches!(key.form.presence, Presence::Required(_)))
        .map(|key| key.name)
        .collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

fn property(tables: &[Table], of: &Table, key: &KeyOfTable) -> Value {
    let mut property = match &key.form.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::List => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Number(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Kind::Time { .. } => json!({"type": "string", "pattern": TIME}),
        Kind::OneOf(words) => json!({"enum": words}),
        Kind::Table => below(tables, &of.path_of(key), &key.form.presence),
    };
    if let Some(property) = property.as_object_mut() {
        property.insert("description".to_owned(), json!(description(key)));
        if let Presence::Default(default) = &key.form.presence
            && let Ok(default) = serde_json::from_str::<Value>(default)
        {
            property.insert("default".to_owned(), default);
        }
    }
    property
}

/// The meaning of a key, with the bounds that a schema cannot express.
fn description(key: &KeyOfTable) -> String {
    let meaning = key.meaning.trim();
    match &key.form.kind {
        Kind::Time { bounds: Some(bounds) } => {
            format!("{meaning} A time such as \"30s\", \"10m\" or \"1h\", {bounds}.")
        }
        Kind::Time { bounds: None } => {
            format!("{meaning} A time such as \"30s\", \"10m\" or \"1h\".")
        }
        _ => meaning.to_owned(),
    }
}

/// The table at this path; or a table of tables that an operator names.
fn below(tables: &[Table], path: &str, presence: &Presence<String>) -> Value {
    if let Some(table) = table(tables, path) {
        return object(tables, table).into();
    }
    let named = tables.iter().find(|table| {
        let rest = table.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|name| !name.contains('.'))
    });
    let least = usize::from(matches!(presence, Presence::Required(_)));
    let tables_of = named.map(|named| {
        let mut object = object(tables, named);
        object.insert("description".to_owned(), json!(named.about.trim()));
        object
    });
    json!({
        "type": "object",
        "minProperties": least,
        "propertyNames": name_rule(path),
        "additionalProperties": tables_of,
    })
}

/// Which names an operator may choose for the tables at this path.
fn name_rule(path: &str) -> Value {
    match path {
        // Issuers have any name.
        "issuers" => json!({}),
        _ => json!({"pattern": NAME}),
    }
}
