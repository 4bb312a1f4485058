//! The database: whether it can be reached, its version, schema, bounds and clock.

use chrono::TimeDelta;

use super::{CLOCKS_DIFFER, Finding, clock};
use crate::{
    clock::now,
    config::Config,
    domain::TenantId,
    store::{Diagnosis, MissingBounds, SealedRows},
};

/// The oldest version, as a number.
const OLDEST: i32 = 150_000;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let tenants: Vec<TenantId> = config.tenants.keys().cloned().collect();
    let found = match Diagnosis::read(&config.database.address, &tenants).await {
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
    findings.extend(keys(&found.sealed, config));
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

/// What is to be said of the keys of sealed tokens. Without its key, a token is lost.
fn keys(sealed: &[SealedRows], config: &Config) -> Vec<Finding> {
    let known: Vec<&str> = config.token_keys.ids().collect();
    let found = sealed.iter().filter_map(|SealedRows { key_id, rows }| {
        match known.iter().position(|known| known == key_id) {
            Some(0) => None,
            Some(_) => Some(Finding::warn(
                format!("{rows} tokens of providers are sealed with the earlier key {key_id}"),
                "keep its file in provider_tokens.old_key_files until no token needs it: a server seals them anew",
            )),
            None => Some(Finding::fail(
                format!("{rows} tokens of providers are sealed with the key {key_id}, which the configuration has not"),
                "name its file in provider_tokens.old_key_files",
            )),
        }
    });
    found.collect()
}
