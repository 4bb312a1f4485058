//! Tokens that report events: none is accepted unless the provider signed it, byte for byte; one is of one
//! kind only, and is no token of a person. A form has the one token that is read from it.
#![no_main]

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, LazyLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use identity_link::{
    auth::{
        EventSource, EventToken, EventTokenKind, IdTokenRules, IssuerRule, Issuers, Keys,
        Signatures, TokenUse,
    },
    config::Config,
    http_client::HttpClient,
    pushes::logout_token_of,
};
use identity_link_fuzz::{Signer, with_one_character_changed};
use jsonwebtoken::Algorithm;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

const KINDS: [EventTokenKind; 2] = [EventTokenKind::Logout, EventTokenKind::SecurityEvents];
/// The client at the provider, which is also an audience of callers' tokens.
const CLIENT: &str = "call";
/// A minute after the seeds were issued.
const NOW: DateTime<Utc> = DateTime::from_timestamp(1_767_225_660, 0).expect("a time");

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

// A single line is a form, and each of its values a token as it is: the fuzzer has no key. Two lines are
// header and claims, and the provider signs them, valid or not.
fuzz_target!(|bytes: &[u8]| {
    let two = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n'));
    let Some((header, claims)) = two else { return is_read_from_a_form(bytes) };
    let token = Signer::People.sign(header, claims);
    let accepted = KINDS.map(|kind| verify(&token, kind));
    for event in accepted.iter().flatten() {
        says_what_was_signed(&token, event);
    }
    if let [Some(_), Some(_)] = accepted {
        panic!("both kinds: {token}");
    }
    if accepted.iter().any(Option::is_some) {
        for token_use in [TokenUse::Bearer, TokenUse::LinkWith] {
            assert!(!SERVICE.is_of_a_person(&token, token_use), "{token}");
        }
        let forged = with_one_character_changed(&token, claims);
        assert!(KINDS.into_iter().all(|kind| verify(&forged, kind).is_none()), "{forged}");
    }
});

/// The verifier, with the keys of `trust/`.
struct Service {
    rules: IdTokenRules,
    source: EventSource,
    keys: Arc<Keys>,
    issuers: Issuers,
    runtime: Runtime,
}

impl Service {
    fn start() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("trust/identity-link.toml");
        let config = Config::load(&file, []).expect("a configuration");
        let http = HttpClient::new(&config.outgoing);
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let people =
            config.issuers.into_iter().find(|issuer| issuer.issuer == Signer::People.iss());
        let people = people.expect("the issuer of people");
        let keys = Arc::new(Keys::new(people.keys.clone(), people.algorithms.clone()));
        runtime.block_on(keys.refresh(&http)).expect("keys");
        // A token that names an unknown key waits for this task.
        runtime.spawn(Arc::clone(&keys).keep_fresh(http, CancellationToken::new()));
        let rules = IdTokenRules {
            issuer: IssuerRule::Exactly(Signer::People.iss().to_owned()),
            client_id: CLIENT.to_owned(),
            trusted_audiences: BTreeSet::new(),
            signatures: Signatures::PrivateKey(vec![Algorithm::EdDSA]),
        };
        let source =
            EventSource { issuer: Signer::People.iss().to_owned(), audiences: BTreeSet::new() };
        let issuers = Issuers::new(vec![(people, Arc::clone(&keys))]);
        let service = Self { rules, source, keys, issuers, runtime };

        // If nothing were accepted, the target would find nothing.
        for (kind, events, subject) in [
            (
                EventTokenKind::Logout,
                "http://schemas.openid.net/event/backchannel-logout",
                r#""sub":"1","exp":4102444800"#,
            ),
            (
                EventTokenKind::SecurityEvents,
                "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
                r#""sub_id":{"format":"iss_sub","iss":"https://people.example","sub":"1"}"#,
            ),
        ] {
            let good = format!(
                r#"{{"iss":"https://people.example",{subject},"aud":"call","iat":1767225600,"jti":"1","events":{{"{events}":{{}}}}}}"#
            );
            let good = Signer::People.sign(r#"{"alg":"EdDSA","kid":"1"}"#, &good);
            assert!(service.verify(&good, kind).is_some_and(|token| token.events.len() == 1));
        }
        service
    }

    fn verify(&self, token: &str, kind: EventTokenKind) -> Option<EventToken> {
        let verified = self.rules.verify_events(token, kind, &self.keys, &self.source, NOW);
        self.runtime.block_on(verified).ok()
    }

    fn is_of_a_person(&self, token: &str, token_use: TokenUse) -> bool {
        self.runtime.block_on(self.issuers.verify(token, token_use, NOW)).is_ok()
    }
}

fn verify(token: &str, kind: EventTokenKind) -> Option<EventToken> {
    SERVICE.verify(token, kind)
}

/// Checks independently what was accepted.
fn says_what_was_signed(token: &str, event: &EventToken) {
    let claims = token.split('.').nth(1).expect("three parts");
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).expect("strict base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], Signer::People.iss());
    assert_eq!(claims["jti"], event.jti.as_str());
    assert!(!event.jti.is_empty() && claims.get("nonce").is_none());
    let audiences = &claims["aud"];
    assert!(
        audiences == CLIENT
            || audiences.as_array().is_some_and(|all| all.iter().any(|one| one == CLIENT))
    );
    assert!(event.issued_at <= NOW + TimeDelta::seconds(30));
    assert!(event.remembered_until > NOW, "forgotten before it is too old");
    let events = claims["events"].as_object().expect("events");
    assert!(event.events.len() <= events.len());
    let said = claims.to_string();
    for reported in &event.events {
        let subject = Value::from(reported.subject.as_str()).to_string();
        assert!(said.contains(&subject), "{subject} of {said}");
    }
}

/// Reads the token of a form again from a form of its own, and refuses it, since no provider signed it.
fn is_read_from_a_form(form: &[u8]) {
    let Some(token) = logout_token_of(form) else { return };
    let named = form_urlencoded::parse(form).filter(|(name, _)| name == "logout_token");
    assert_eq!(named.map(|(_, value)| value.into_owned()).collect::<Vec<_>>(), [token.as_str()]);
    let pairs = [("logout_token", token.as_str())];
    let own = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    assert_eq!(logout_token_of(own.as_bytes()).as_deref(), Some(token.as_str()));
    assert_eq!(logout_token_of(format!("{own}&{own}").as_bytes()), None);
    assert!(KINDS.into_iter().all(|kind| verify(&token, kind).is_none()), "{token}");
}
