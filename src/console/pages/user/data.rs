//! The documents of a user, and where each of their keys came from.

use prost_types::{Struct, value::Kind};
use serde_json::Value;

use super::{Time, time};
use crate::{
    console::texts::Texts,
    grpc::proto::{
        LinkRecord, ListLinksResponse, MetadataChange, MetadataNamespace, User,
        metadata_change::Effect,
    },
};

/// A document of a user as text.
pub(in crate::console::pages) struct Document {
    pub name: &'static str,
    pub json: String,
}

/// The documents of a user that are not empty.
pub(in crate::console::pages) fn documents(t: &Texts, user: &User) -> Vec<Document> {
    [
        (t.profile, user.profile.as_ref()),
        (t.user_metadata, user.user_metadata.as_ref()),
        (t.app_metadata, user.app_metadata.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, document)| {
        let document = document.filter(|document| !document.fields.is_empty())?;
        Some(Document { name, json: pretty(&object(document)) })
    })
    .collect()
}

/// A document of a user, key by key.
pub(super) struct OriginTable {
    pub name: &'static str,
    pub rows: Vec<Row>,
    /// Whether a link brought one of the keys.
    pub has_linked: bool,
}

/// A key of a document.
pub(super) struct Row {
    pub key: String,
    /// Its value, as JSON.
    pub json: String,
    /// Where it came from.
    pub origin: String,
    /// The link that brought it, with its time; `None` if none did.
    pub link: Option<(String, Time)>,
}

/// What the page knows of a user.
pub(super) struct Origins<'a> {
    pub t: &'a Texts,
    pub user: &'a User,
    pub links: &'a ListLinksResponse,
}

impl Origins<'_> {
    /// The documents of the user that are not empty, with where their keys came from.
    pub(super) fn tables(&self) -> Vec<OriginTable> {
        let profile = self.user.profile.as_ref();
        let profile = self.table(self.t.profile, profile, |key| (self.of_profile(key), None));
        let metadata = [
            (self.t.user_metadata, self.user.user_metadata.as_ref(), MetadataNamespace::User),
            (self.t.app_metadata, self.user.app_metadata.as_ref(), MetadataNamespace::App),
        ];
        let metadata = metadata.into_iter().filter_map(|(name, document, namespace)| {
            self.table(name, document, |key| self.of_metadata(namespace, key))
        });
        profile.into_iter().chain(metadata).collect()
    }

    fn table(
        &self,
        name: &'static str,
        document: Option<&Struct>,
        origin: impl Fn(&str) -> (String, Option<(String, Time)>),
    ) -> Option<OriginTable> {
        let rows = document?.fields.iter().map(|(key, field)| {
            let (origin, link) = origin(key);
            Row { key: key.clone(), json: pretty(&value(field)), origin, link }
        });
        let rows: Vec<Row> = rows.collect();
        let has_linked = rows.iter().any(|row| row.link.is_some());
        (!rows.is_empty()).then_some(OriginTable { name, rows, has_linked })
    }

    /// Where a key of the profile came from: services set values over those of the primary account.
    fn of_profile(&self, key: &str) -> String {
        let overrides = self.user.profile_overrides.as_ref();
        if overrides.is_some_and(|overrides| overrides.fields.contains_key(key)) {
            return self.t.origin_service.to_owned();
        }
        let primary = self.user.identities.first().and_then(|it| it.identity_ref.as_ref());
        primary.map(|of| format!("{} {}", self.t.origin_primary, of.provider)).unwrap_or_default()
    }

    /// Where a key of the metadata came from: the newest link that stands and brought it, or the user
    /// itself.
    fn of_metadata(
        &self,
        namespace: MetadataNamespace,
        key: &str,
    ) -> (String, Option<(String, Time)>) {
        let brought = self.links.links.iter().find_map(|link| {
            let stands = link.undo_time.is_none() && link.primary_user_id == self.user.id;
            let is_whole = stands.then(|| brings(link, namespace, key)).flatten()?;
            Some((link, is_whole))
        });
        match brought {
            Some((link, is_whole)) => {
                let origin = if is_whole { self.t.origin_link } else { self.t.origin_both };
                let link = (link.id.clone(), time(link.link_time.as_ref()));
                (origin.to_owned(), Some(link))
            }
            // A link that the page does not have may have brought it.
            None if !self.links.next_page_token.is_empty() => {
                (self.t.origin_unknown.to_owned(), None)
            }
            None => (self.t.origin_own.to_owned(), None),
        }
    }
}

/// Whether a link brought a value of this key, and if so, whether it brought all of it.
fn brings(link: &LinkRecord, namespace: MetadataNamespace, key: &str) -> Option<bool> {
    let brought = |change: &&MetadataChange| {
        use Effect::{Added, Combined, ConflictSecondary};
        matches!(change.effect(), Added | ConflictSecondary | Combined)
            && change.metadata_namespace() == namespace
            && first_key(&change.path).is_none_or(|first| first == key)
    };
    let change = link.metadata_changes.iter().find(brought)?;
    let is_deeper = change.path.matches('/').count() > 1;
    Some(change.effect() != Effect::Combined && !is_deeper)
}

/// The first key of a JSON Pointer (RFC 6901 §4); `None` for that of a whole document.
fn first_key(pointer: &str) -> Option<String> {
    let key = pointer.strip_prefix('/')?.split('/').next()?;
    Some(key.replace("~1", "/").replace("~0", "~"))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn object(document: &Struct) -> Value {
    document.fields.iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn value(field: &prost_types::Value) -> Value {
    match &field.kind {
        Some(Kind::BoolValue(flag)) => (*flag).into(),
        Some(Kind::NumberValue(double)) => number(*double),
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::ListValue(list)) => list.values.iter().map(value).collect(),
        Some(Kind::StructValue(document)) => object(document),
        Some(Kind::NullValue(_)) | None => Value::Null,
    }
}

/// A number of a message; a whole one without a fraction, as callers write it.
fn number(double: f64) -> Value {
    let text = double.to_string();
    text.parse::<i64>().map_or_else(|_| double.into(), Value::from)
}
