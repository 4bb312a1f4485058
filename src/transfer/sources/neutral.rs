//! The neutral row: the fields of [`Row`], and what an export may add to them.

use super::{
    Found, LeftOut, Reading,
    object::{Faults, Object},
};
use crate::transfer::row::{Row, RowIdentity};

/// A line of an export of changes.
const DELETED: &str = "The user was deleted where the file comes from.";
const UNKNOWN: &str = "There is no field of this name.";

pub(super) fn read(json: &str, faults: &Faults) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    if user.flag("deleted") == Some(true) {
        return Some(Reading::Skipped(DELETED));
    }
    let mut left_out = LeftOut::default();
    if user.take_any("links") {
        left_out.field("links");
    }
    let row = Row {
        id: user.text("id"),
        aliases: user.texts("aliases"),
        create_time: user.time("create_time"),
        update_time: user.time("update_time"),
        blocked: user.flag("blocked").unwrap_or_default(),
        tokens_valid_from: user.time("tokens_valid_from"),
        user_metadata: user.map("user_metadata"),
        app_metadata: user.map("app_metadata"),
        profile_overrides: user.map("profile_overrides"),
        identities: user.objects("identities").into_iter().map(identity).collect(),
    };
    refuse_rest(&user);
    Some(Reading::User(Box::new(Found { row, left_out, ..Found::default() })))
}

fn identity(mut account: Object<'_>) -> RowIdentity {
    let identity = RowIdentity {
        provider: account.required_text("provider"),
        subject: account.required_text("subject"),
        connection: account.text("connection").unwrap_or_default(),
        social: account.flag("social").unwrap_or_default(),
        email: account.text("email").unwrap_or_default(),
        email_verified: account.flag("email_verified").unwrap_or_default(),
        email_verify_time: account.time("email_verify_time"),
        profile_data: account.map("profile_data"),
        attach_time: account.time("attach_time"),
    };
    refuse_rest(&account);
    identity
}

fn refuse_rest(object: &Object<'_>) {
    object.names().for_each(|name| object.report(name, UNKNOWN));
}
