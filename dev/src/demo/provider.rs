//! Providers for the demo: OpenID Connect as far as a sign-in needs it. The person types the
//! account's name.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::web::{DemoRequest, Escaped, Fields, Reply, json, page, redirect, status};
use crate::keys::{self, KeyError};

/// The name of the key with which all providers of the demo sign. The service reads its public part
/// from them.
pub(super) const KEY: &str = "demo";
/// The lifetime of an ID token, in seconds.
const LIFETIME: u64 = 300;
/// The most codes that wait to be exchanged. Above that, all are dropped, and their flows must
/// begin again.
const MAX_CODES: usize = 1000;
/// The service's client id at each provider of the demo, and its secret, which protects nothing.
pub(super) const CLIENT: (&str, &str) = ("demo", "no-secret-of-anybodys");

/// A provider of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoProvider {
    /// The name in the configuration.
    pub name: &'static str,
    /// The text on its button.
    pub display_name: &'static str,
    /// Whether it verifies emails.
    pub verifies: bool,
    /// Its other keys in the configuration.
    pub settings: &'static str,
    /// A sentence about what it demonstrates.
    pub about: &'static str,
}

/// Two that link automatically, one that asks, one whose emails do not count, and one that is
/// link-only.
pub(super) const PROVIDERS: [DemoProvider; 5] = [
    DemoProvider {
        name: "demo-mail",
        display_name: "Demo Mail",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"automatic\"",
        about: "It verifies emails, and links automatically: to the user that has the email by another such provider.",
    },
    DemoProvider {
        name: "demo-code",
        display_name: "Demo Code",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"automatic\"",
        about: "It verifies emails too, and links automatically.",
    },
    DemoProvider {
        name: "demo-office",
        display_name: "Demo Office",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"suggest\"",
        about: "It verifies emails. If a user has the email already, the person is asked first.",
    },
    DemoProvider {
        name: "demo-forum",
        display_name: "Demo Forum",
        verifies: false,
        settings: "email_trust = \"never\"",
        about: "It verifies nothing: an email from here finds no user.",
    },
    DemoProvider {
        name: "demo-wallet",
        display_name: "Demo Wallet",
        verifies: false,
        settings: "mode = \"link_only\"",
        about: "No user signs in with it. A signed-in user can link it.",
    },
];

/// The running providers.
#[derive(Debug)]
pub(super) struct Providers {
    data_dir: PathBuf,
    /// The demo's URL: `http://127.0.0.1:50080`.
    base: String,
    /// The granted authorizations by code.
    codes: Mutex<BTreeMap<String, Granted>>,
}

#[derive(Debug)]
struct Granted {
    provider: &'static str,
    query: Fields,
    claims: Map<String, Value>,
}

/// The `iss` of a provider of the demo.
pub(super) fn issuer(base: &str, name: &str) -> String {
    format!("{base}/providers/{name}")
}

impl Providers {
    /// The providers of the demo at `base`, with a key in `data_dir`.
    pub(super) fn new(data_dir: PathBuf, base: String) -> Self {
        Self { data_dir, base, codes: Mutex::default() }
    }

    /// Responds as the provider that the path names.
    pub(super) fn respond(&self, incoming: &DemoRequest) -> Reply {
        let endpoint =
            incoming.path.strip_prefix("/providers/").and_then(|rest| rest.split_once('/'));
        let named = endpoint
            .and_then(|(name, rest)| Some((PROVIDERS.iter().find(|it| it.name == name)?, rest)));
        let Some((provider, endpoint)) = named else { return status(StatusCode::NOT_FOUND) };
        match (&incoming.method, endpoint) {
            (&Method::GET, ".well-known/openid-configuration") => {
                json(StatusCode::OK, self.metadata(provider).to_string())
            }
            (&Method::GET, "jwks") => match keys::jwks(&self.data_dir, KEY) {
                Ok(jwks) => json(StatusCode::OK, jwks),
                Err(error) => failed(&error),
            },
            (&Method::GET, "authorize") => ask(provider, &incoming.query),
            (&Method::POST, "authorize") => self.grant(provider, incoming),
            (&Method::POST, "token") => self.exchange(provider, &incoming.form),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    fn metadata(&self, provider: &DemoProvider) -> Value {
        let issuer = issuer(&self.base, provider.name);
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// Grants an authorization for the account that the person typed, and redirects back with a
    /// code.
    fn grant(&self, provider: &DemoProvider, incoming: &DemoRequest) -> Reply {
        // Only to the demo's own login page, so that this is no open redirect.
        let redirect_uri = incoming.query.get("redirect_uri");
        if redirect_uri != super::redirect_uri(&self.base, provider.name)
            || incoming.query.get("client_id") != CLIENT.0
        {
            return status(StatusCode::BAD_REQUEST);
        }
        let (account, email) = (incoming.form.get("account"), incoming.form.get("email"));
        let named = [("sub", account), ("name", account), ("email", email)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        let mut claims: Map<String, Value> =
            named.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        claims.insert("email_verified".to_owned(), json!(provider.verifies));
        let code = Uuid::new_v4().to_string();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MAX_CODES {
            codes.clear();
        }
        codes.insert(
            code.clone(),
            Granted { provider: provider.name, query: incoming.query.clone(), claims },
        );
        let mut back = form_urlencoded::Serializer::new(String::new());
        back.append_pair("code", &code).append_pair("state", incoming.query.get("state"));
        back.append_pair("iss", &issuer(&self.base, provider.name));
        redirect(&format!("{redirect_uri}?{}", back.finish()))
    }

    /// Exchanges a code, once, for the ID token, if the verifier matches.
    fn exchange(&self, provider: &DemoProvider, form: &Fields) -> Reply {
        let refused =
            || json(StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}).to_string());
        let granted =
            self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(form.get("code"));
        let challenge =
            BASE64URL_NOPAD.encode(digest(&SHA256, form.get("code_verifier").as_bytes()).as_ref());
        let Some(granted) = granted.filter(|it| {
            it.provider == provider.name
                && it.query.get("code_challenge") == challenge
                && it.query.get("redirect_uri") == form.get("redirect_uri")
        }) else {
            return refused();
        };
        let now = keys::now();
        let mut claims = granted.claims;
        let more = [
            ("iss", json!(issuer(&self.base, provider.name))),
            ("aud", json!(CLIENT.0)),
            ("iat", json!(now)),
            ("auth_time", json!(now)),
            ("exp", json!(now + LIFETIME)),
            ("nonce", json!(granted.query.get("nonce"))),
        ];
        claims.extend(more.map(|(name, value)| (name.to_owned(), value)));
        match keys::sign(&self.data_dir, KEY, "JWT", &claims) {
            Ok(id_token) => json(
                StatusCode::OK,
                json!({"access_token": Uuid::new_v4(), "token_type": "Bearer", "expires_in": LIFETIME, "id_token": id_token})
                    .to_string(),
            ),
            Err(error) => failed(&error),
        }
    }
}

/// The page of a provider on which the person types an account.
fn ask(provider: &DemoProvider, query: &Fields) -> Reply {
    let action =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(query.iter()).finish();
    let says = if provider.verifies {
        "says that it verified your email"
    } else {
        "does not verify your email"
    };
    page(
        provider.display_name,
        &format!(
            "<p>{about}</p>\n<form method=\"post\" action=\"?{action}\">\n\
             <p><label>Account <input name=\"account\" required maxlength=\"100\" value=\"{hint}\"></label></p>\n\
             <p><label>Email <input name=\"email\" maxlength=\"300\"></label> (it {says})</p>\n\
             <button>Sign in</button>\n</form>",
            about = Escaped(provider.about),
            action = Escaped(&action),
            hint = Escaped(query.get("login_hint")),
        ),
    )
}

fn failed(error: &KeyError) -> Reply {
    tracing::error!(%error, "a provider of the demo has no key");
    status(StatusCode::INTERNAL_SERVER_ERROR)
}
