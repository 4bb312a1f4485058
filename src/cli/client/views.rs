//! Messages as tables for people.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use identity_link_client::v1;
use serde_json::Value;

use super::{
    super::Failure,
    json::value,
    shown::{plain, plain_json},
    table::Table,
};

/// A time as all commands show it; empty for none.
pub(super) fn time(seconds: Option<i64>) -> String {
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

/// An account as `provider|subject`.
pub(super) fn account(account: &v1::IdentityRef) -> String {
    format!("{}|{}", account.provider, account.subject)
}

fn accounts(of: &[v1::IdentityRef]) -> String {
    Vec::from_iter(of.iter().map(account)).join(", ")
}

fn account_of(identity: &v1::Identity) -> String {
    identity.identity_ref.as_ref().map(account).unwrap_or_default()
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// An email, and whether it counts as verified.
fn email(identity: &v1::Identity) -> String {
    match (&*identity.email, identity.email_verified) {
        ("", _) => String::new(),
        (email, true) => format!("{email} (verified)"),
        (email, false) => format!("{email} (not verified)"),
    }
}

/// A user with all that it has.
pub(super) fn user(user: &v1::User, width: usize) -> Result<String, Failure> {
    let mut text = format!("user       {}\n", plain(&user.id));
    let _ = writeln!(text, "version    {}", user.version);
    let created = time(user.create_time.as_ref().map(|time| time.seconds));
    let updated = time(user.update_time.as_ref().map(|time| time.seconds));
    let _ = writeln!(text, "created    {created}\nchanged    {updated}");
    let _ = writeln!(text, "blocked    {}", yes_or_no(user.blocked));
    let json = value(user)?;
    let of_people = [
        ("userMetadata", "metadata"),
        ("appMetadata", "app data"),
        ("profileOverrides", "overrides"),
    ];
    for (key, name) in of_people {
        if let Some(metadata) = json.get(key).filter(|metadata| !is_empty(metadata)) {
            let _ = writeln!(text, "{name:<9}  {}", plain_json(&metadata.to_string()));
        }
    }
    let mut table = Table::new(["ACCOUNT", "EMAIL", "SINCE", "FROM USER"]);
    for identity in &user.identities {
        let is_own = identity.origin_user_id == user.id;
        table.row([
            account_of(identity),
            email(identity),
            time(identity.attach_time.as_ref().map(|time| time.seconds)),
            if is_own { String::new() } else { identity.origin_user_id.clone() },
        ]);
    }
    let _ = write!(text, "\n{}", table.lines(width));
    Ok(text)
}

fn is_empty(object: &Value) -> bool {
    object.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Users, each with why it was found.
pub(super) fn found<'a>(
    users: impl IntoIterator<Item = (&'a v1::User, &'a str)>,
    width: usize,
) -> String {
    let mut table = Table::new(["USER", "FOUND BY", "ACCOUNTS", "BLOCKED"]);
    for (user, by) in users {
        let accounts: Vec<String> = user
            .identities
            .iter()
            .map(|identity| match &*email(identity) {
                "" => account_of(identity),
                email => format!("{} {email}", account_of(identity)),
            })
            .collect();
        let blocked = yes_or_no(user.blocked);
        table.row([user.id.clone(), by.to_owned(), accounts.join(", "), blocked]);
    }
    table.lines(width)
}

/// Links, the newest first.
pub(super) fn links(links: &[v1::LinkRecord], width: usize) -> String {
    let mut table =
        Table::new(["LINK", "MADE", "BY", "ON", "USER", "ABSORBED", "ACCOUNTS", "UNDONE"]);
    for link in links {
        table.row([
            link.id.clone(),
            time(link.link_time.as_ref().map(|time| time.seconds)),
            link.actor.as_ref().map(actor).unwrap_or_default(),
            link.proof.as_ref().map(|proof| proof_text(proof, &link.plan_id)).unwrap_or_default(),
            link.primary_user_id.clone(),
            link.secondary_user_id.clone(),
            accounts(&link.moved_identities),
            time(link.undo_time.as_ref().map(|time| time.seconds)),
        ]);
    }
    table.lines(width)
}

/// Who made a change.
pub(super) fn actor(actor: &v1::Actor) -> String {
    use v1::actor::Kind;
    let kind = match actor.kind() {
        Kind::Unspecified => "another",
        Kind::User => "user",
        Kind::Service => "service",
        Kind::Deletion => "deletion",
        Kind::Operator => "operator",
        Kind::Provider => "provider",
    };
    let actor_text = [kind, &actor.subject, &actor.issuer].join(" ").trim_end().to_owned();
    match actor.reason.as_str() {
        "" => actor_text,
        reason => format!("{actor_text}: {reason}"),
    }
}

fn proof_text(proof: &v1::LinkProof, plan: &str) -> String {
    use v1::link_proof::Proof;
    match &proof.proof {
        None => String::new(),
        Some(Proof::Token(_)) => "a token of the absorbed user".to_owned(),
        Some(Proof::Service(_)) => "the word of the service".to_owned(),
        Some(Proof::Ticket(_)) => "the ticket of a sign-in".to_owned(),
        Some(Proof::VerifiedEmail(_)) => "an email verified on both sides".to_owned(),
        Some(Proof::SignIn(_)) => "a sign-in for this link".to_owned(),
        Some(Proof::Plan(_)) => format!("plan {plan}"),
    }
}

/// What ids resolve to.
pub(super) fn resolved(users: &[v1::ResolvedUser], width: usize) -> String {
    use v1::resolved_user::State;
    let mut table = Table::new(["ID", "STATE", "USER", "SINCE", "LINK"]);
    for resolved in users {
        let state = match resolved.state() {
            State::Unspecified => "another",
            State::Current => "current",
            State::Absorbed => "absorbed",
            State::Deleted => "deleted",
            State::Unknown => "unknown",
        };
        table.row([
            resolved.requested_id.clone(),
            state.to_owned(),
            resolved.user_id.clone(),
            time(resolved.since_time.as_ref().map(|time| time.seconds)),
            resolved.link_id.clone(),
        ]);
    }
    table.lines(width)
}

/// The paths of metadata that a change concerns; `None` if there are none.
pub(super) fn changes(changes: &[v1::MetadataChange], width: usize) -> Option<String> {
    use v1::{MetadataNamespace as Namespace, metadata_change::Effect};
    let mut table = Table::new(["METADATA", "PATH", "WHAT HAPPENS"]);
    for change in changes {
        let namespace = match change.metadata_namespace() {
            Namespace::Unspecified => "",
            Namespace::User => "user_metadata",
            Namespace::App => "app_metadata",
        };
        let effect = match change.effect() {
            Effect::Unspecified => "another change",
            Effect::Added => "added",
            Effect::ConflictPrimary => "differs: the value of the user stays",
            Effect::ConflictSecondary => "differs: replaced",
            Effect::Combined => "arrays combined",
            Effect::Withheld => "withheld: it stays with the link",
            Effect::Reversed => "reversed",
            Effect::Kept => "left as it is",
        };
        // The path of a whole namespace is empty.
        let path = if change.path.is_empty() { "(all)" } else { &change.path };
        table.row([namespace.to_owned(), path.to_owned(), effect.to_owned()]);
    }
    (!changes.is_empty()).then(|| table.lines(width))
}
