//! The keys of a client at a provider that speaks OpenID Connect.

use std::collections::BTreeSet;

use http::Uri;

use super::{
    super::{
        algorithms::{asymmetric, is_hs256},
        reader::Reader,
    },
    EventEntrance, KEYS, texts,
};
use crate::{
    auth::{EventSource, IdTokenRules, IssuerRule, Signatures, discovery::metadata_url},
    oauth::{AuthMethod, EventSettings, Facts, OidcSettings, Preset, Protocol, SubjectRule},
    secret::Secret,
};

/// The texts that can mean `true`, in any case.
const MEANS_TRUE: [&str; 3] = ["true", "1", "yes"];
/// The shortest secret that HS256 takes, in bytes (RFC 7518 §3.2).
const MIN_HS256_SECRET: usize = 32;
/// Reads the keys, of a client with this id and with this secret if the provider issued one.
pub(super) fn read(
    r: &mut Reader,
    preset: Option<Preset>,
    client_id: Option<&str>,
    secret: Option<&Secret>,
) -> Option<Protocol> {
    let facts = preset.map(Preset::facts);
    let signatures = read_signatures(r, facts, secret);
    let auth_method = r.one_of(&KEYS.token_endpoint_auth_method);
    if auth_method == Some(AuthMethod::BasicRaw) && client_id.is_some_and(|id| id.contains(':')) {
        // RFC 7617 §2: the first colon ends the id.
        r.problem(
            KEYS.token_endpoint_auth_method.name,
            "\"client_secret_basic_raw\" is for a client_id without a colon",
        );
    }
    let auth_method = auth_method.or(facts.and_then(|facts| facts.auth_method));
    let response_mode =
        r.one_of(&KEYS.response_mode).or(facts.and_then(|facts| facts.response_mode));
    let email_verified_as = read_email_verified_as(r, preset);
    let trusted_audiences = r.list(&KEYS.trusted_audiences).unwrap_or_default();
    let events = read_events(r);
    let issuer = match (r.text(&KEYS.issuer), facts.and_then(|facts| facts.issuer)) {
        (Some(issuer), _) => Some(issuer),
        (None, Some(issuer)) => Some(issuer.to_owned()),
        (None, None) => {
            r.lacks(&[KEYS.issuer.name], "is required: the iss of the provider's ID tokens");
            None
        }
    };
    // Checked before it is used, so that one problem is reported once.
    let issuer = issuer.filter(|issuer| {
        let is_good = metadata_url(issuer).is_some();
        if !is_good {
            r.problem(KEYS.issuer.name, "must be an https URL, or http on this machine");
        }
        is_good
    });
    let (rule, metadata) = match preset {
        Some(Preset::Microsoft) => read_microsoft(r, issuer?.trim_end_matches('/'))?,
        _ => {
            let issuer = issuer?;
            let metadata = metadata_url(&issuer)?;
            (IssuerRule::Exactly(issuer), metadata)
        }
    };
    let client_id = client_id?.to_owned();
    let rules =
        IdTokenRules { issuer: rule, client_id, trusted_audiences, signatures: signatures? };
    let events = events.and_then(|events| checked_events(r, preset, &rules, events));
    Some(Protocol::Oidc(OidcSettings {
        rules,
        metadata,
        preset,
        auth_method,
        response_mode,
        email_verified_as,
        own_domains: BTreeSet::new(),
        events,
    }))
}

/// The keys of events, before the provider's issuer is known.
struct EventKeys {
    is_pushed: bool,
    withdraws_tokens: bool,
    issuer: Option<String>,
    audiences: BTreeSet<String>,
}

/// Reads what becomes of tokens that report events; `None` if they are not accepted.
fn read_events(r: &mut Reader) -> Option<EventKeys> {
    let entrance = r.one_of(&KEYS.events);
    let withdraws_tokens = r.one_of(&KEYS.account_events).unwrap_or_default();
    let issuer = r.text(&KEYS.event_issuer);
    let audiences = r.list(&KEYS.event_audiences).unwrap_or_default();
    let is_pushed = match entrance? {
        EventEntrance::Http => true,
        EventEntrance::Rpc => false,
        EventEntrance::Off => {
            for (key, is_set) in [
                (KEYS.account_events.name, withdraws_tokens),
                (KEYS.event_issuer.name, issuer.is_some()),
                (KEYS.event_audiences.name, !audiences.is_empty()),
            ] {
                if is_set {
                    r.problem(key, "requires events = \"rpc\" or \"http\"");
                }
            }
            return None;
        }
    };
    for (key, is_empty) in [
        (KEYS.event_issuer.name, issuer.as_deref() == Some("")),
        (KEYS.event_audiences.name, audiences.contains("")),
    ] {
        if is_empty {
            r.problem(key, "must not be empty");
        }
    }
    Some(EventKeys { is_pushed, withdraws_tokens, issuer, audiences })
}

/// Checks that events can be verified and name accounts. An account that is named by other claims than
/// `sub` could be mistaken for another one.
fn checked_events(
    r: &Reader,
    preset: Option<Preset>,
    rules: &IdTokenRules,
    keys: EventKeys,
) -> Option<EventSettings> {
    let EventKeys { is_pushed, withdraws_tokens, issuer, audiences } = keys;
    if matches!(rules.signatures, Signatures::ClientSecret(_)) {
        r.problem(KEYS.events.name, "is for providers that sign with a private key, not by HS256");
        return None;
    }
    let is_sub = preset.is_none_or(|preset| preset.facts().subject == SubjectRule::Sub);
    let IssuerRule::Exactly(own) = &rules.issuer else {
        r.problem(KEYS.events.name, "is for providers with one issuer");
        return None;
    };
    if !is_sub {
        r.problem(KEYS.events.name, "is for providers whose accounts are named by sub alone");
        return None;
    }
    let of_preset = preset.and_then(|preset| preset.event_issuer(own));
    let issuer = issuer.or(of_preset).unwrap_or_else(|| own.clone());
    Some(EventSettings { is_pushed, withdraws_tokens, source: EventSource { issuer, audiences } })
}

/// Reads the texts that mean true. A text that means something else is a mistake whose price would
/// be an account.
fn read_email_verified_as(r: &mut Reader, preset: Option<Preset>) -> BTreeSet<String> {
    let key = KEYS.email_verified_as.name;
    let given = r.list(&KEYS.email_verified_as).unwrap_or_default();
    let texts = match preset {
        Some(preset) if !r.has(key) => texts(preset.facts().verified_as),
        _ => given,
    };
    if preset == Some(Preset::Microsoft) && !texts.is_empty() {
        r.problem(key, "is not for Microsoft, whose email counts by xms_edov");
    }
    for text in &texts {
        if !MEANS_TRUE.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            let known = MEANS_TRUE.join("\", \"");
            r.problem(key, format!("{text:?} does not mean true: it may be \"{known}\""));
        }
    }
    texts
}

/// Reads a directory's id, or a word for all directories and optionally the allowed ones.
fn read_microsoft(r: &mut Reader, base: &str) -> Option<(IssuerRule, Uri)> {
    let is_id = |text: &str| {
        uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
    };
    let allowed = r.list(&KEYS.allowed_directories);
    if let Some(bad) = allowed.iter().flatten().find(|directory| !is_id(directory)) {
        r.problem(
            KEYS.allowed_directories.name,
            format!("{bad:?} is not the id of a directory in lower case"),
        );
    }
    if allowed.as_ref().is_some_and(BTreeSet::is_empty) {
        r.problem(
            KEYS.allowed_directories.name,
            "must name at least one; without it all are allowed",
        );
    }
    if !r.has(KEYS.directory.name) {
        r.lacks(&[KEYS.directory.name], "is required: whose accounts sign in");
    }
    let directory = r.text(&KEYS.directory)?;
    let is_many = matches!(directory.as_str(), "common" | "organizations");
    if !is_many && !is_id(&directory) {
        r.problem(
            KEYS.directory.name,
            "must be \"organizations\", \"common\" or the id of a directory in lower case",
        );
        return None;
    }
    if !is_many && allowed.is_some() {
        r.problem(KEYS.allowed_directories.name, "are for \"organizations\" and \"common\"");
    }
    let rule = Preset::microsoft_issuer(base, &directory, allowed.unwrap_or_default());
    Some((rule, metadata_url(&format!("{base}/{directory}/v2.0"))?))
}

/// Reads how the provider signs. HS256 must stand alone: where a public key could be taken for the
/// secret, each reader of the key set could sign.
fn read_signatures(
    r: &mut Reader,
    facts: Option<&Facts>,
    secret: Option<&Secret>,
) -> Option<Signatures> {
    let key = KEYS.algorithms.name;
    let given = r.list(&KEYS.algorithms)?;
    let names = match facts {
        Some(facts) if !r.has(key) => texts(facts.algorithms),
        _ => given,
    };
    if names.len() == 1 && names.iter().all(|name| is_hs256(name)) {
        return read_shared_secret(r, secret?).map(Signatures::ClientSecret);
    }
    let parsed = names.iter().map(|name| match is_hs256(name) {
        true => Err(format!("{name} must be the only one: it signs with the client's secret")),
        false => asymmetric(name),
    });
    let algorithms: Vec<_> = parsed
        .filter_map(|parsed| parsed.map_err(|problem| r.problem(key, problem)).ok())
        .collect();
    if names.is_empty() {
        r.problem(key, "must name at least one");
    }
    let are_good = !names.is_empty() && algorithms.len() == names.len();
    are_good.then_some(Signatures::PrivateKey(algorithms))
}

/// The secret with which the provider signs: a short one could be guessed from one ID token.
fn read_shared_secret(r: &Reader, secret: &Secret) -> Option<Secret> {
    if secret.reveal().len() < MIN_HS256_SECRET {
        let text = format!("HS256 needs a client secret of at least {MIN_HS256_SECRET} bytes");
        r.problem(KEYS.algorithms.name, text);
        return None;
    }
    Some(secret.clone())
}
