//! Each sample of `tests/it/import/samples`, and how it is read.

mod auth0;
mod auth0_job;
mod cognito;
mod csv;
mod firebase;
mod keycloak;
mod laws;
mod neutral;
mod supabase;

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::*;
use crate::transfer::input::{Columns, Input, InputError, Joined, Place};

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/import/samples")).join(name)
}

/// How this text is read, a line for each record.
fn read_text(format: Format, text: &str) -> String {
    let bytes = text.to_owned().into_bytes();
    let input = Input::open_with(&["-".into()], Box::new(std::io::Cursor::new(bytes))).unwrap();
    shown(format, input.records(format.shape()))
}

/// How this sample is read.
fn read(format: Format, name: &str) -> String {
    shown(format, Input::open(&[sample(name)]).unwrap().records(format.shape()))
}

/// How these samples are read as a pair.
fn read_pair(users: (&str, &str), accounts: (&str, &str)) -> String {
    let pairs = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let columns = Columns::parse(&pairs(users.1), Some(&pairs(accounts.1))).unwrap();
    let input = |name| Input::open(&[sample(name)]).unwrap();
    let joined = Joined::read(&input(users.0), Some(&input(accounts.0)), columns).unwrap();
    let mut records: Vec<_> = joined.records().map(Result::unwrap).collect();
    records.sort_by_key(|(place, _)| *place);
    shown(Format::Csv, records.into_iter().map(Ok))
}

fn shown(
    format: Format,
    records: impl Iterator<Item = Result<(Place, Record), InputError>>,
) -> String {
    records.map(|record| shown_record(format, record) + "\n").collect()
}

fn shown_record(format: Format, record: Result<(Place, Record), InputError>) -> String {
    let (place, record) = match record {
        Ok(record) => record,
        Err(error) => return format!("{:?} at byte {}", error.fault, error.offset),
    };
    let line = place.line;
    match format.read(&record, now()) {
        Ok(Reading::Skipped(why)) => format!("{line} skipped: {why}"),
        Ok(Reading::User(found)) => {
            let mut shown = format!("{line} {}", serde_json::to_string(&found.row).unwrap());
            if let Some(id) = &found.source_id {
                shown += &format!("\n  was: {id}");
            }
            if found.left_out != LeftOut::default() {
                shown += &format!(
                    "\n  left out: {:?} {:?}",
                    found.left_out.kinds, found.left_out.fields
                );
            }
            if !found.notes.is_empty() {
                shown += &format!("\n  notes: {:?}", found.notes);
            }
            shown
        }
        Err(faulty) => {
            let violations = faulty
                .violations
                .iter()
                .map(|violation| format!("\n  {}: {}", violation.field, violation.description));
            format!("{line} refused{}", violations.collect::<String>())
        }
    }
}
