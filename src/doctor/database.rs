//! The database: whether it can be reached, its version, schema, bounds and clock.

use chrono::TimeDelta;

use super::{CLOCKS_DIFFER, Finding, clock};
use crate::{
    clock::now,
    store::{Address, Diagnosis, MissingBounds},
};

/// The oldest version, as a number.
const OLDEST: i32 = 150_000;

pub(super) async fn examine(address: &Address) -> Vec<Finding> {
    let found = match Diagnosis::read(address).await {
        Ok(found) => found,
        Err(error) => {
            let advice = "start it, or correct database.url and what lies between";
            return vec![Finding::fail(error.to_string(), advice)];
        }
    };
    let mut findings = Vec::new();
    if found.version_number < OLDEST {
        findings.push(Finding::fail(
            format!("it is Postgres {}", found.version),
            "upgrade it to Postgres 15 or later",
        ));
    }
    if let Err(mismatch) = &found.schema {
        findings.push(Finding::fail(mismatch.to_string(), ""));
    }
    if found.is_read_only {
        findings.push(Finding::fail(
            "it refuses writes",
            "connect to the primary, not to a standby, with a role and a database that may write",
        ));
    }
    if let Err(missing) = &found.bounds {
        findings.push(Finding::fail(missing.to_string(), MissingBounds::ADVICE));
    }
    // Empty is the language of the machine, which the database does not show.
    let is_known = |language: &&str| found.messages.starts_with(*language);
    if !found.messages.is_empty() && !["en", "C", "POSIX"].iter().any(is_known) {
        findings.push(Finding::fail(
            format!("its messages are in the language {:?}", found.messages),
            "ALTER ROLE … SET lc_messages TO 'C': some of its errors differ by text only",
        ));
    }
    let since = TimeDelta::from_std(found.at.elapsed()).unwrap_or_default();
    findings.extend(clock(found.time + since - now(), CLOCKS_DIFFER));
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "Postgres {}, writable, with a schema on which this release serves; the clocks agree",
            found.version
        )));
    }
    findings
}
