//! A provider of the demo: OpenID Connect as far as a sign-in needs it. The person chooses an
//! account, or types one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Site,
    catalog::{CLIENT, DemoProvider},
    pages::{self, AccountPage, Page},
    sentences::{FAULT, NOT_OURS},
};
use crate::keys::{self, KeyError};

/// The name of the key with which all providers of the demo sign. The service reads its public part
/// from them.
pub(super) const KEY: &str = "demo";
/// The lifetime of an ID token, in seconds.
const LIFETIME: u64 = 300;
/// The most codes that wait to be exchanged. Above that, all are dropped, and their flows must
/// begin again.
const MAX_CODES: usize = 1000;

/// A running provider.
struct Provider {
    about: &'static DemoProvider,
    issuer: String,
    /// Where the browser is sent.
    authorize: String,
    /// The only URI to which it redirects.
    redirect_uri: String,
    /// The folder of its key.
    data_dir: PathBuf,
    /// The granted authorizations by code.
    grants: Mutex<BTreeMap<String, Grant>>,
}

/// A granted authorization, which waits for the exchange of its code.
struct Grant {
    request: AuthorizationRequest,
    /// The claims about the account.
    account: Map<String, Value>,
}

/// The query of the authorization endpoint (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
#[derive(Deserialize, Default)]
#[serde(default)]
struct AuthorizationRequest {
    client_id: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    code_challenge: String,
    login_hint: String,
}

/// The account that the person chooses or types.
#[derive(Deserialize, Default)]
#[serde(default)]
struct TypedAccount {
    account: String,
    email: String,
    /// The person's name; empty if it is the account's.
    name: String,
    /// Of the staff only.
    role: String,
}

/// The form of the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5).
#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenForm {
    code: String,
    code_verifier: String,
    redirect_uri: String,
}

/// The endpoints of a provider of the demo of a site, with a key in `data_dir`, which sends the browser
/// to this URI.
pub(super) fn routes(
    about: &'static DemoProvider,
    redirect_uri: String,
    site: &Site,
    data_dir: &Path,
) -> Router {
    let provider = Provider {
        about,
        issuer: about.issuer(&site.base),
        authorize: format!("{}/authorize", about.issuer(&site.url)),
        redirect_uri,
        data_dir: data_dir.to_owned(),
        grants: Mutex::default(),
    };
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(jwks))
        .route("/authorize", get(ask).post(grant))
        .route("/token", post(exchange))
        .with_state(Arc::new(provider))
}

async fn metadata(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": provider.authorize,
        "token_endpoint": format!("{issuer}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Response {
    match keys::jwks(&provider.data_dir, KEY) {
        Ok(jwks) => ([(header::CONTENT_TYPE, "application/json")], jwks).into_response(),
        Err(error) => without_key(&error),
    }
}

/// The page on which the person chooses or types an account.
async fn ask(
    State(provider): State<Arc<Provider>>,
    Query(request): Query<AuthorizationRequest>,
) -> Response {
    if !provider.is_from_the_demo(&request) {
        return pages::problem(StatusCode::BAD_REQUEST, NOT_OURS).into_response();
    }
    Page(AccountPage { provider: provider.about, login_hint: request.login_hint }).into_response()
}

/// Grants an authorization for the person's account, and redirects back with a code.
async fn grant(
    State(provider): State<Arc<Provider>>,
    Query(request): Query<AuthorizationRequest>,
    Form(typed): Form<TypedAccount>,
) -> Response {
    if !provider.is_from_the_demo(&request) {
        return pages::problem(StatusCode::BAD_REQUEST, NOT_OURS).into_response();
    }
    let account = provider.claims(&typed);
    let state = request.state.clone();
    let code = provider.keep(Grant { request, account });
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &state)
        .append_pair("iss", &provider.issuer)
        .finish();
    Redirect::to(&format!("{}?{query}", provider.redirect_uri)).into_response()
}

/// Exchanges a code, once, for the ID token.
async fn exchange(State(provider): State<Arc<Provider>>, Form(form): Form<TokenForm>) -> Response {
    let Some(grant) = provider.take(&form) else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    match keys::sign(&provider.data_dir, KEY, "JWT", &provider.id_token_claims(grant)) {
        Ok(id_token) => Json(json!({
            "access_token": Uuid::new_v4(),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "id_token": id_token,
        }))
        .into_response(),
        Err(error) => without_key(&error),
    }
}

fn without_key(error: &KeyError) -> Response {
    tracing::error!(%error, "a provider of the demo has no key");
    pages::problem(StatusCode::INTERNAL_SERVER_ERROR, FAULT).into_response()
}

impl Provider {
    /// Whether the request is the demo's own and returns to its login page, so that the provider is
    /// no open redirect.
    fn is_from_the_demo(&self, request: &AuthorizationRequest) -> bool {
        request.redirect_uri == self.redirect_uri && request.client_id == CLIENT.0
    }

    /// The claims about an account.
    fn claims(&self, typed: &TypedAccount) -> Map<String, Value> {
        let name = if typed.name.is_empty() { &typed.account } else { &typed.name };
        let named = [("sub", &typed.account), ("name", name), ("email", &typed.email)];
        let mut claims: Map<String, Value> = named
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        if self.about.is_of_staff() {
            claims.insert("groups".to_owned(), json!([typed.role]));
        } else {
            claims.insert("email_verified".to_owned(), json!(self.about.verifies));
        }
        claims
    }

    /// Keeps a grant, and returns its code.
    fn keep(&self, grant: Grant) -> String {
        let code = Uuid::new_v4().to_string();
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= MAX_CODES {
            grants.clear();
        }
        grants.insert(code.clone(), grant);
        code
    }

    /// Takes the grant of a code, if the verifier and the redirect URI match.
    fn take(&self, form: &TokenForm) -> Option<Grant> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let challenge =
            BASE64URL_NOPAD.encode(digest(&SHA256, form.code_verifier.as_bytes()).as_ref());
        grants.remove(&form.code).filter(|Grant { request, .. }| {
            request.code_challenge == challenge && request.redirect_uri == form.redirect_uri
        })
    }

    fn id_token_claims(&self, grant: Grant) -> Map<String, Value> {
        let now = keys::now();
        let mut claims = grant.account;
        let more = [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT.0)),
            ("iat", json!(now)),
            ("auth_time", json!(now)),
            ("exp", json!(now + LIFETIME)),
            ("nonce", json!(grant.request.nonce)),
        ];
        claims.extend(more.map(|(name, value)| (name.to_owned(), value)));
        claims
    }
}
