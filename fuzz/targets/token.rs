//! Tokens: no token is accepted unless its issuer signed it, byte for byte; and an accepted token
//! says only what that issuer may say.
#![no_main]

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use identity_link::{
    auth::{Issuer, Issuers, Keys, TokenCaller, TokenUse, VerifiedToken},
    config::Config,
    domain::UserRef,
    http_client::HttpClient,
};
use identity_link_fuzz::{Signer, with_one_character_changed};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const USES: [TokenUse; 2] = [TokenUse::Bearer, TokenUse::LinkWith];

/// A minute after the seeds were issued; they never expire.
const NOW: DateTime<Utc> = DateTime::from_timestamp(1_767_225_660, 0).expect("a time");

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

// A single line is used as a token as it is: the fuzzer has no key. Two lines are header and
// claims, and the issuer signs them, valid or not.
fuzz_target!(|text: &str| {
    let Some((header, claims)) = text.split_once('\n') else {
        return USES.into_iter().for_each(|u| judge(text, u));
    };
    let signer = if header.contains("ES256") { Signer::Services } else { Signer::People };
    let token = signer.sign(header, claims);
    for token_use in USES {
        judge(&token, token_use);
        let forged = with_one_character_changed(&token, text);
        assert!(verify(&forged, token_use).is_none(), "{forged}");
    }
});

/// The verifier, with keys that are refreshed as in the server.
struct Service {
    issuers: Issuers,
    runtime: Runtime,
}

impl Service {
    fn start() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("trust/identity-link.toml");
        let config = Config::load(&file, []).expect("a configuration");
        let http = HttpClient::new(&config.outgoing);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let with_keys = |issuer: Issuer| {
            let keys = Arc::new(Keys::new(issuer.keys.clone(), issuer.algorithms.clone()));
            runtime.block_on(keys.refresh(&http)).expect("keys");
            runtime.spawn(Arc::clone(&keys).keep_fresh(http.clone(), CancellationToken::new()));
            (issuer, keys)
        };
        let issuers = Issuers::new(config.issuers.into_iter().map(with_keys).collect());
        let service = Self { issuers, runtime };

        // If nothing were accepted, the target would find nothing.
        let good = r#"{"iss":"https://people.example","sub":"1","aud":"call","iat":1767225600,"exp":4102444800}"#;
        let good = Signer::People.sign(r#"{"alg":"EdDSA","kid":"1"}"#, good);
        assert!(service.verify(&good, TokenUse::Bearer).is_some());
        service
    }

    fn verify(&self, token: &str, token_use: TokenUse) -> Option<Arc<VerifiedToken>> {
        self.runtime.block_on(self.issuers.verify(token, token_use, NOW)).ok()
    }
}

fn verify(token: &str, token_use: TokenUse) -> Option<Arc<VerifiedToken>> {
    SERVICE.verify(token, token_use)
}

/// Verifies a token, and checks independently what was accepted.
fn judge(token: &str, token_use: TokenUse) {
    let Some(verified) = verify(token, token_use) else { return };
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let signer = Signer::of(&verified.issuer).expect("an issuer that is trusted");
    assert!(signer.signed(signed.as_bytes(), &decoded(signature)), "{token}");

    let header: Value = serde_json::from_slice(&decoded(header)).expect("JSON");
    assert_eq!(header["alg"], signer.alg());
    assert!(header.get("crit").is_none_or(Value::is_null));
    let claims: Value = serde_json::from_slice(&decoded(claims)).expect("JSON");
    assert_eq!(claims["iss"], signer.iss());
    assert_eq!(claims["sub"], verified.subject.as_str());
    let audience = match token_use {
        TokenUse::Bearer => "call",
        TokenUse::LinkWith => "prove",
    };
    let audiences = &claims["aud"];
    assert!(
        audiences == audience
            || audiences.as_array().is_some_and(|all| all.iter().any(|one| one == audience))
    );

    let leeway = TimeDelta::seconds(30);
    // RFC 7519 §2: a number of seconds, whose fraction does not count.
    let seconds = |value: &Value| value.as_i64().or_else(|| Some(value.as_f64()?.floor() as i64));
    let time = |name: &str| DateTime::from_timestamp(seconds(&claims[name])?, 0);
    assert_eq!(time("iat"), Some(verified.issued_at));
    assert!(
        verified.issued_at <= NOW + leeway
            && time("exp").is_some_and(|expires| expires > NOW - leeway)
    );
    assert!(token_use == TokenUse::Bearer || NOW - verified.issued_at <= TimeDelta::minutes(10));
    assert!(verified.authenticated_at.is_none_or(|time| time <= NOW));

    let allowed: &[&str] = match (&verified.caller, signer) {
        (TokenCaller::User(UserRef::Identity(identity)), Signer::People) => {
            assert_eq!(identity.provider.as_str(), "google-oauth2");
            assert_eq!(identity.subject.as_str(), verified.subject);
            assert_eq!(
                Vec::from_iter(verified.tenants.iter().map(|tenant| tenant.as_str())),
                ["default"]
            );
            &["read:current_user"]
        }
        (TokenCaller::Service, Signer::Services) => {
            assert_eq!(token_use, TokenUse::Bearer, "a service proves no user");
            &["read:users", "update:users"]
        }
        (who, signer) => panic!("{signer:?} spoke for {who:?}"),
    };
    assert!(verified.scopes.iter().all(|scope| allowed.contains(&scope.as_str())));
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(part.as_bytes()).expect("strict base64url")
}
