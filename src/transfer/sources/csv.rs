//! Tables of users and accounts as CSV files, with the meaning of their columns in a column map.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    Found, Kind, LeftOut, Reading, give_email, lay_over,
    object::{Faults, as_map},
    set_email, times,
};
use crate::transfer::{
    input::{CLAIMS, ColumnMap, CsvRow, FLAG_CLAIMS, JoinedRow},
    row::RowIdentity,
};

pub(super) fn read(joined: &JoinedRow, faults: &Faults, now: DateTime<Utc>) -> Option<Reading> {
    let mut found = Found::default();
    let columns = &joined.columns;
    let Some(user) = &joined.user else {
        let without_id = columns.accounts.as_ref().and_then(|map| {
            joined
                .accounts
                .iter()
                .find(|(_, row)| map.column("user_id").is_some_and(|id| row.value(id).is_empty()))
        });
        if without_id.is_some() {
            return Some(Reading::Skipped("an account without a user"));
        }
        faults.report("user_id", "There is no user with this id in the file of users.");
        return None;
    };
    let mut user = Fields::of(user, &columns.users, "", faults, &mut found.left_out)?;
    if user.is_set("deleted") {
        return Some(Reading::Skipped("a user that was deleted at the source"));
    }
    let id = user.required("id");
    let (email, is_verified, verify_time) = user.email();
    found.row.create_time = user.time("create_time");
    found.row.update_time = user.time("update_time");
    found.row.tokens_valid_from = user.time("tokens_valid_from");
    found.row.blocked = user.flag("blocked") == Some(true)
        || user.time("blocked_until").is_some_and(|until| until > now);
    found.row.user_metadata = user.map("user_metadata");
    found.row.app_metadata = user.map("app_metadata");
    let is_anonymous = user.flag("anonymous") == Some(true);
    let profile = user.claims();

    match &columns.accounts {
        None => found.row.identities.push(user.account()),
        Some(map) => {
            for (line, row) in &joined.accounts {
                let place = format!("line {line} of the accounts: ");
                let fields = Fields::of(row, map, &place, faults, &mut found.left_out);
                found.row.identities.extend(fields.map(account));
            }
        }
    }
    if is_anonymous && found.row.identities.is_empty() {
        return Some(Reading::Skipped("an anonymous user: no sign-in would find it again"));
    }
    place_email(&mut found, &id, email, is_verified, verify_time);
    match found.row.identities.as_mut_slice() {
        [only] => {
            let own = std::mem::replace(&mut only.profile_data, profile);
            only.profile_data.extend(own);
        }
        _ => lay_over(&mut found, profile),
    }
    found.row.id = Some(id);
    Some(Reading::User(Box::new(found)))
}

/// A user's email is that of its local account, whose subject is the user's id, or of its only one.
/// A number as the id names no local account: an account elsewhere may have the same one.
fn place_email(
    found: &mut Found,
    id: &str,
    email: Option<String>,
    is_verified: bool,
    verify_time: Option<DateTime<Utc>>,
) {
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    let is_local = |identity: &&mut RowIdentity| identity.subject == id && !is_number;
    let mut local = found.row.identities.iter_mut().filter(is_local);
    let given = match (local.next(), local.next(), &email) {
        (Some(only), None, Some(email)) if only.email.is_empty() => {
            set_email(only, email.clone(), is_verified);
            true
        }
        _ => false,
    };
    if !given {
        give_email(found, email.clone(), is_verified);
    }
    let Some(email) = email else { return };
    for identity in &mut found.row.identities {
        if identity.email.eq_ignore_ascii_case(&email) && identity.email_verified && is_verified {
            identity.email_verify_time = identity.email_verify_time.or(verify_time);
        }
    }
}

fn account(mut fields: Fields<'_>) -> RowIdentity {
    let mut identity = fields.account();
    identity.attach_time = fields.time("attach_time");
    let mut data = fields.map("profile_data");
    let (mut email, mut is_verified, verify_time) = fields.email();
    // Some tables have the account's email among the claims only.
    let own = |name: &str, data: &mut Map<String, Value>| data.remove(name);
    let (claimed, is_claimed_verified) =
        (own("email", &mut data), own("email_verified", &mut data));
    if email.is_none()
        && let Some(Value::String(claimed)) = claimed
    {
        email = Some(claimed);
        is_verified = is_claimed_verified == Some(Value::Bool(true));
    }
    ["sub", "provider_id"].iter().for_each(|name| drop(data.remove(*name)));
    data.extend(fields.claims());
    identity.profile_data = data;
    set_email(&mut identity, email.unwrap_or_default(), is_verified);
    identity.email_verify_time = verify_time.filter(|_| identity.email_verified);
    identity
}

/// The fields of a row that are not empty, by name, each with its column.
struct Fields<'a> {
    values: BTreeMap<&'a str, (&'a str, &'a str)>,
    map: &'a ColumnMap,
    place: &'a str,
    faults: &'a Faults,
}

impl<'a> Fields<'a> {
    fn of(
        row: &'a CsvRow,
        map: &'a ColumnMap,
        place: &'a str,
        faults: &'a Faults,
        left_out: &mut LeftOut,
    ) -> Option<Self> {
        let columns = match row.columns() {
            Ok(columns) => columns,
            Err(violation) => {
                faults.add(violation);
                return None;
            }
        };
        let mut values = BTreeMap::new();
        for (column, value) in columns.filter(|(_, value)| !value.is_empty()) {
            match map.field(column) {
                Some(field) => {
                    values.insert(field, (column, value));
                }
                None => leave_out(column, left_out),
            }
        }
        Some(Self { values, map, place, faults })
    }

    fn report(&self, column: &str, description: &str) {
        self.faults.report(&format!("{}{column}", self.place), description);
    }

    fn text(&mut self, field: &str) -> Option<&'a str> {
        let (column, value) = self.values.remove(field)?;
        self.faults.storable(&format!("{}{column}", self.place), value)
    }

    fn required(&mut self, field: &str) -> String {
        let text = self.text(field);
        if text.is_none() {
            self.report(self.map.column(field).unwrap_or(field), "This is empty.");
        }
        text.unwrap_or_default().to_owned()
    }

    fn flag(&mut self, field: &str) -> Option<bool> {
        let (column, value) = self.values.remove(field)?;
        match value.to_ascii_lowercase().as_str() {
            "t" | "true" | "1" => Some(true),
            "f" | "false" | "0" => Some(false),
            _ => {
                self.report(column, "This has to be t, true, 1, f, false or 0.");
                None
            }
        }
    }

    /// Whether a flag is true, or a time is set.
    fn is_set(&mut self, field: &str) -> bool {
        let value = self.values.remove(field).map(|(_, value)| value.to_ascii_lowercase());
        value.is_some_and(|value| !["f", "false", "0"].contains(&value.as_str()))
    }

    fn time(&mut self, field: &str) -> Option<DateTime<Utc>> {
        let (column, value) = self.values.remove(field)?;
        let time = times::sql(value);
        if time.is_none() {
            self.report(column, "This has to be a time such as 2026-02-03 04:05:06+00.");
        }
        time
    }

    fn map(&mut self, field: &str) -> Map<String, Value> {
        let Some((column, value)) = self.values.remove(field) else { return Map::new() };
        as_map(&format!("{}{column}", self.place), value, self.faults).unwrap_or_default()
    }

    /// The email, whether it is verified, and since when. A time alone says that it is.
    fn email(&mut self) -> (Option<String>, bool, Option<DateTime<Utc>>) {
        let email = self.text("email").map(str::to_owned);
        let flag = self.flag("email_verified");
        let time = self.time("email_verify_time");
        let is_verified = flag.unwrap_or(time.is_some());
        (email, is_verified, time.filter(|_| is_verified))
    }

    fn claims(&mut self) -> Map<String, Value> {
        let mut claims = Map::new();
        for name in CLAIMS {
            if let Some(text) = self.text(name) {
                claims.insert(name.to_owned(), text.into());
            }
        }
        for name in FLAG_CLAIMS {
            if let Some(flag) = self.flag(name) {
                claims.insert(name.to_owned(), flag.into());
            }
        }
        claims
    }

    fn account(&mut self) -> RowIdentity {
        RowIdentity {
            provider: self.required("provider"),
            subject: self.required("subject"),
            connection: self.text("connection").unwrap_or_default().to_owned(),
            ..RowIdentity::default()
        }
    }
}

/// Counts a column that no field has, by what its name says that it is.
fn leave_out(column: &str, left_out: &mut LeftOut) {
    let name = column.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name.ends_with("_at") || name.ends_with("expiresat") {
        left_out.field(column);
    } else if says(&["password"]) {
        left_out.kind(Kind::Password, 1);
    } else if says(&["token", "credentials"]) && !says(&["type"]) {
        left_out.kind(Kind::Token, 1);
    } else if says(&["totp", "otp_secret", "recovery"]) {
        left_out.kind(Kind::SecondFactor, 1);
    } else {
        left_out.field(column);
    }
}
