//! The lines of a plan: a header, then one line for each cluster.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Search;
use crate::{
    domain::{
        IdentityRef, Provider, User, UserId, UserRef,
        duplicates::{Cluster, Holder, Objection, PrimaryChoice, Rule, Shared},
    },
    store::{Effects, NewLine},
    transfer::lines::LinesError,
};

/// The form of the lines. A later one with another meaning has another number.
pub(in crate::transfer) const FORM: u32 = 1;

/// The first line.
#[derive(Serialize)]
struct Header<'a> {
    plan: Uuid,
    form: u32,
    tenant: &'a str,
    time: String,
    rules: Vec<&'static str>,
    primary: &'static str,
}

/// The line of a cluster.
#[derive(Serialize)]
struct ClusterLine<'a> {
    primary: UserLine<'a>,
    secondaries: Vec<SecondaryLine<'a>>,
    evidence: Vec<EvidenceLine<'a>>,
    /// What stands against the links. Only a cluster without it may be linked unseen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    against: Vec<AgainstLine<'a>>,
}

#[derive(Serialize)]
struct UserLine<'a> {
    id: &'a UserId,
    version: i64,
    create_time: String,
    identities: usize,
}

#[derive(Serialize)]
struct SecondaryLine<'a> {
    #[serde(flatten)]
    user: UserLine<'a>,
    /// What the merge of its metadata would change; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Effects>,
}

#[derive(Serialize)]
struct EvidenceLine<'a> {
    rule: &'static str,
    /// The value, so far as it must be seen to judge it.
    value: String,
    holders: Vec<HolderLine<'a>>,
}

#[derive(Serialize)]
struct HolderLine<'a> {
    user: &'a UserId,
    identities: &'a [IdentityRef],
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_time: Option<String>,
}

#[derive(Serialize)]
struct AgainstLine<'a> {
    mark: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<&'a UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    providers: Vec<&'a Provider>,
}

/// The first line.
///
/// # Errors
/// [`LinesError::File`] if it has no form in JSON; all of ours have one.
pub(super) fn header(search: &Search) -> Result<NewLine, LinesError> {
    let line = json(&Header::from(search))?;
    Ok(NewLine { line, concerned: Vec::new(), without_users: None })
}

/// The line of a cluster. It is of no use without one of its users.
///
/// # Errors
/// As of [`header`].
pub(super) fn line(cluster: &Cluster) -> Result<NewLine, LinesError> {
    let users = [&cluster.primary].into_iter().chain(&cluster.secondaries);
    let concerned = users.flat_map(|user| {
        let identities = user.identities.iter().map(|of| UserRef::Identity(of.id.clone()));
        [UserRef::UserId(user.id.clone())].into_iter().chain(identities)
    });
    let line = json(&ClusterLine::from(cluster))?;
    Ok(NewLine { line, concerned: concerned.collect(), without_users: None })
}

fn json(line: &impl Serialize) -> Result<String, LinesError> {
    serde_json::to_string(line).map_err(|error| LinesError::File(error.into()))
}

impl<'a> From<&'a Search> for Header<'a> {
    fn from(search: &'a Search) -> Self {
        Self {
            plan: search.plan,
            form: FORM,
            tenant: search.tenant.as_str(),
            time: text(search.time),
            rules: search.rules.asked().map(Rule::as_str).collect(),
            primary: match search.primary {
                PrimaryChoice::Oldest => "oldest",
                PrimaryChoice::MostUsed => "most-used",
            },
        }
    }
}

impl<'a> From<&'a Cluster> for ClusterLine<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        let mut merges = cluster.merges.iter();
        let secondaries = cluster.secondaries.iter().map(|user| SecondaryLine {
            user: UserLine::from(user),
            metadata: merges.next().map(Effects::from),
        });
        Self {
            primary: UserLine::from(&cluster.primary),
            secondaries: secondaries.collect(),
            evidence: cluster.shared.iter().map(EvidenceLine::from).collect(),
            against: cluster.objections.iter().map(AgainstLine::from).collect(),
        }
    }
}

impl<'a> From<&'a User> for UserLine<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: &user.id,
            version: user.version,
            create_time: text(user.create_time),
            identities: user.identities.len(),
        }
    }
}

impl<'a> From<&'a Shared> for EvidenceLine<'a> {
    fn from(shared: &'a Shared) -> Self {
        Self {
            rule: shared.rule.as_str(),
            value: masked(&shared.value),
            holders: shared.holders.iter().map(HolderLine::from).collect(),
        }
    }
}

impl<'a> From<&'a Holder> for HolderLine<'a> {
    fn from(holder: &'a Holder) -> Self {
        Self {
            user: &holder.user,
            identities: &holder.identities,
            verified: holder.verified,
            verify_time: holder.verify_time.map(text),
        }
    }
}

impl<'a> From<&'a Objection> for AgainstLine<'a> {
    fn from(objection: &'a Objection) -> Self {
        Self {
            mark: objection.mark.as_str(),
            users: objection.users.iter().collect(),
            providers: objection.providers.iter().collect(),
        }
    }
}

/// The value with the part that names a person left out: of an email, all but the first character
/// before the `@`; of a phone number, all but the last two digits.
fn masked(value: &str) -> String {
    if let Some((local, domain)) = value.rsplit_once('@') {
        let first: String = local.chars().take(1).collect();
        return format!("{first}…@{domain}");
    }
    let last = value.len().saturating_sub(2);
    format!("…{}", value.get(last..).unwrap_or_default())
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_masked() {
        assert_eq!(masked("ann@example.com"), "a…@example.com");
        assert_eq!(masked("élise@example.com"), "é…@example.com");
        assert_eq!(masked("+15555550103"), "…03");
    }
}
