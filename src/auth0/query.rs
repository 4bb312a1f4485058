//! The `q` of a search, in the part of Auth0's Lucene-like syntax that linking uses.
//!
//! The server refuses each `q` that Lucene would understand differently: a search that finds more
//! users than the client meant may end in a link to the wrong user.

#[cfg(test)]
mod laws;
mod parser;
#[cfg(test)]
mod tests;

use self::parser::{Joint, Parser, Term, Value};
use crate::{
    domain::{Email, Provider, Subject, UserId},
    store::{EmailPrefix, Key, UserSearch},
};

/// As long as the ids of a page of users, joined by `OR`.
const MAX_BYTES: usize = 4096;
const MAX_TERMS: usize = 100;

const SUPPORTED: &str = "supported are user_id:\"…\", email:\"…\", email:jan* (three characters or more), \
    email.raw:\"…\" (case-sensitive), email_verified:true, identities.provider:\"…\", identities.user_id:\"…\" and \
    identities.connection:\"…\", joined by AND, with a leading - to exclude one; user_id, email and email.raw have \
    an index: OR joins their terms too, in parentheses beside other terms";

/// The search that a `q` means.
///
/// # Errors
/// A sentence for the client about a `q` that is not supported.
pub(super) fn parse(q: &str) -> Result<UserSearch, String> {
    read(q).map_err(|wrong| format!("{wrong}; {SUPPORTED}"))
}

/// One clause: any one of these terms must be true or, if it is excluded, none of them.
struct Clause {
    is_excluded: bool,
    alternatives: Vec<Term>,
}

fn read(q: &str) -> Result<UserSearch, String> {
    if q.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    let mut search = UserSearch::default();
    let mut demanded = Vec::new();
    for Clause { is_excluded, mut alternatives } in clauses(q)? {
        if is_excluded {
            alternatives.into_iter().try_for_each(|term| exclude(&mut search, term))?;
        } else if alternatives.len() > 1 {
            search.matches_no_user |= !demand_any(&mut search, alternatives)?;
        } else if let Some(term) = alternatives.pop() {
            if demanded.contains(&term.field) {
                return Err(format!("asks for {} twice", term.field.name()));
            }
            demanded.push(term.field);
            search.matches_no_user |= !demand(&mut search, term)?;
        }
    }
    Ok(search)
}

/// The clauses of a `q`, in their order.
fn clauses(q: &str) -> Result<Vec<Clause>, String> {
    let mut parser = Parser::new(q);
    let (mut clauses, mut joints, mut terms) = (Vec::new(), Vec::new(), 0);
    loop {
        let is_excluded = parser.takes_exclusion();
        let alternatives = parser.alternatives()?;
        terms += alternatives.len();
        if terms > MAX_TERMS {
            return Err(format!("has more than {MAX_TERMS} terms"));
        }
        clauses.push(Clause { is_excluded, alternatives });
        match parser.joint()? {
            Some(joint) => joints.push(joint),
            None => break,
        }
    }
    if !joints.contains(&Joint::Or) {
        return Ok(clauses);
    }
    // Lucene's operators have no precedence: beside an AND, it does not demand the terms that OR
    // joins.
    if joints.contains(&Joint::And) || clauses.iter().any(|clause| clause.is_excluded) {
        return Err(
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses"
                .to_owned(),
        );
    }
    let alternatives = clauses.into_iter().flat_map(|clause| clause.alternatives).collect();
    Ok(vec![Clause { is_excluded: false, alternatives }])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Email,
    RawEmail,
    EmailVerified,
    UserId,
    Provider,
    Subject,
    Connection,
}

impl Field {
    const ALL: [Self; 7] = [
        Self::Email,
        Self::RawEmail,
        Self::EmailVerified,
        Self::UserId,
        Self::Provider,
        Self::Subject,
        Self::Connection,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::RawEmail => "email.raw",
            Self::EmailVerified => "email_verified",
            Self::UserId => "user_id",
            Self::Provider => "identities.provider",
            Self::Subject => "identities.user_id",
            Self::Connection => "identities.connection",
        }
    }

    /// The field of a name. Auth0's older engine had a further name for each field that it kept as
    /// given, as all fields are here, and one more for the connection.
    fn of(name: &str) -> Option<Self> {
        let as_given = name.strip_suffix(".raw").filter(|name| name.starts_with("identities."));
        let name =
            if name == "connection" { Self::Connection.name() } else { as_given.unwrap_or(name) };
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// Adds a term that a user must fulfil. Returns whether any user can fulfil it.
fn demand(search: &mut UserSearch, Term { field, value }: Term) -> Result<bool, String> {
    Ok(match (field, value) {
        (Field::Email | Field::RawEmail | Field::UserId, value) => {
            return demand_any(search, vec![Term { field, value }]);
        }
        (field, Value::Prefix(_)) => return Err(no_wildcard(field)),
        (Field::EmailVerified, Value::Whole(value)) => {
            put(Some(boolean(&value)?), &mut search.email_verified)
        }
        (Field::Provider, Value::Whole(value)) => {
            put(Provider::parse(&value), &mut search.provider)
        }
        (Field::Subject, Value::Whole(value)) => put(Subject::parse(&value), &mut search.subject),
        (Field::Connection, Value::Whole(value)) => put(connection(value), &mut search.connection),
    })
}

fn put<T>(value: Option<T>, demanded: &mut Option<T>) -> bool {
    *demanded = value;
    demanded.is_some()
}

/// Adds terms of which a user must fulfil any one. Returns whether any user can.
fn demand_any(search: &mut UserSearch, terms: Vec<Term>) -> Result<bool, String> {
    let mut key = Key::default();
    for Term { field, value } in terms {
        match (field, value) {
            (Field::Email, Value::Whole(value)) => key.emails.extend(Email::parse(&value)),
            (Field::Email, Value::Prefix(prefix)) => {
                let Some(prefix) = EmailPrefix::parse(&prefix) else {
                    return Err(format!(
                        "has a * after fewer than {} ASCII characters",
                        EmailPrefix::MIN
                    ));
                };
                // Each prefix is read along the index: none is read within another one.
                if !key.email_prefixes.iter().any(|other| other.includes(&prefix)) {
                    key.email_prefixes.retain(|other| !prefix.includes(other));
                    key.email_prefixes.push(prefix);
                }
            }
            (field, Value::Prefix(_)) => return Err(no_wildcard(field)),
            (Field::RawEmail, Value::Whole(value)) => key.exact_emails.extend(Email::parse(&value)),
            (Field::UserId, Value::Whole(value)) => key.user_ids.extend(UserId::parse(&value)),
            (field, _) => {
                return Err(format!("has {} beside OR, which no index covers", field.name()));
            }
        }
    }
    let can_be = key != Key::default();
    search.keys.extend(Some(key).filter(|key| can_be && !search.keys.contains(key)));
    Ok(can_be)
}

/// Excludes the users that fulfil a term. A value that no user can have excludes none.
fn exclude(search: &mut UserSearch, Term { field, value }: Term) -> Result<(), String> {
    let Value::Whole(value) = value else { return Err(no_wildcard(field)) };
    let excluded = &mut search.excluded;
    match field {
        Field::Email => excluded.emails.extend(Email::parse(&value)),
        Field::RawEmail => excluded.exact_emails.extend(Email::parse(&value)),
        Field::EmailVerified => excluded.email_verified.push(boolean(&value)?),
        Field::UserId => excluded.user_ids.extend(UserId::parse(&value)),
        Field::Provider => excluded.providers.extend(Provider::parse(&value)),
        Field::Subject => excluded.subjects.extend(Subject::parse(&value)),
        Field::Connection => excluded.connections.extend(connection(value)),
    }
    Ok(())
}

fn boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "has an email_verified that is neither true nor false".to_owned())
}

/// The name of a connection; `None` if it is empty or has a control character.
pub(super) fn connection(name: String) -> Option<String> {
    (!name.is_empty() && !name.contains(char::is_control)).then_some(name)
}

fn no_wildcard(field: Field) -> String {
    format!(
        "has a * in {}: only an email can be found by its beginning, and no excluded term has a *",
        field.name()
    )
}
