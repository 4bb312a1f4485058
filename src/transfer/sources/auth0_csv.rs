//! Auth0's export job as CSV. It has no links: each user comes with its main account alone.

use super::{Found, Note, Reading, object::Faults, set_email, times};
use crate::transfer::{input::CsvRow, row::RowIdentity};

const CLAIMS: [&str; 7] =
    ["name", "nickname", "given_name", "family_name", "picture", "username", "phone_number"];

pub(super) fn read(csv: &CsvRow, faults: &Faults) -> Option<Reading> {
    let columns = match csv.columns() {
        Ok(columns) => columns,
        Err(violation) => {
            faults.add(violation);
            return None;
        }
    };
    let mut found = Found::default();
    let mut main = RowIdentity::default();
    let (mut email, mut is_verified) = (None, false);
    for (name, field) in columns.filter(|(_, field)| !field.is_empty()) {
        // The job writes one ' in front of each text, against formulas in spreadsheets.
        let text = field.strip_prefix('\'').unwrap_or(field);
        let kept = || {
            // A row with any fault is refused as a whole.
            faults.storable(name, text);
            text.to_owned()
        };
        match name {
            "user_id" => found.row.id = Some(kept()),
            "email" => email = Some(kept()),
            "email_verified" => is_verified = flag(name, field, faults),
            "blocked" => found.row.blocked = flag(name, field, faults),
            "created_at" => found.row.create_time = time(name, field, faults),
            "updated_at" => found.row.update_time = time(name, field, faults),
            "phone_verified" => {
                main.profile_data.insert(name.to_owned(), flag(name, field, faults).into());
            }
            "connection" | "identities[0].connection" => main.connection = kept(),
            claim if CLAIMS.contains(&claim) => {
                main.profile_data.insert(name.to_owned(), kept().into());
            }
            _ => found.left_out.field(name),
        }
    }
    let id = found.row.id.as_deref().unwrap_or_default();
    let Some((provider, subject)) = id.split_once('|') else {
        faults.report("user_id", "This has to be an id of Auth0, such as auth0|65f0c0.");
        return None;
    };
    (main.provider, main.subject) = (provider.to_owned(), subject.to_owned());
    if let Some(email) = email {
        set_email(&mut main, email, is_verified);
    }
    found.notes.push(Note::WithoutLinks);
    found.row.identities.push(main);
    Some(Reading::User(Box::new(found)))
}

fn flag(name: &str, field: &str, faults: &Faults) -> bool {
    if !["true", "false"].contains(&field) {
        faults.report(name, "This has to be true or false.");
    }
    field == "true"
}

fn time(name: &str, field: &str, faults: &Faults) -> Option<chrono::DateTime<chrono::Utc>> {
    let time = times::rfc3339(field);
    if time.is_none() {
        faults.report(name, "This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z.");
    }
    time
}
