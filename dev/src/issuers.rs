//! Local issuers for `dev`: one for user ids, one per demo provider, one for services. Their keys
//! are made at first use and stay in the data folder; `token` signs with them.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::demo;

/// The audience of each local token.
const AUDIENCE: &str = "identity-link";
/// The claim that names the tenant.
const TENANT_CLAIM: &str = "tenant";
/// The tenants of `dev`; a token is for the first by default.
pub const TENANTS: [&str; 2] = ["default", "other"];
/// The demo providers: the name, whether it is social, and its `email_trust`.
const PROVIDERS: [(&str, bool, &str); 4] = [
    ("auth0", false, "when_verified"),
    ("github", true, "when_verified"),
    ("google-oauth2", true, "when_verified"),
    ("sms", false, "never"),
];

/// The name of the key of the demo's providers, whose public part the service reads from them.
const DEMO: &str = "demo";

/// The caller that a local token names.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A user, by its id.
    User(String),
    /// A user, by an identity.
    Identity {
        /// The demo provider.
        provider: String,
        /// The subject there.
        subject: String,
        /// The email that the token claims, and whether as verified; `None` for no email.
        email: Option<(String, bool)>,
    },
    /// A service, by its name.
    Service(String),
}

/// The parameters of a local token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The caller that it names.
    pub bearer: Bearer,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// The tenant.
    pub tenant: String,
    /// The time from now to its expiry.
    pub ttl: Duration,
}

/// All scopes that the service knows, which the local issuers may give.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// Those of user tokens.
    pub user: BTreeSet<&'static str>,
    /// Those of service tokens.
    pub service: BTreeSet<&'static str>,
}

/// Why there is no local token.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The data folder has no such key.
    #[error("there are no local issuers in {0}: run `identity-link dev` with this folder first")]
    NoKeys(PathBuf),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A provider that has no local issuer.
    #[error("{0:?} is not a demo provider: there are {1}")]
    UnknownProvider(String, String),
    /// A tenant that `dev` does not have.
    #[error("{0:?} is not a tenant of dev: there are {1}")]
    UnknownTenant(String, String),
    /// The cryptography library refuses.
    #[error("a key cannot be made or used: {0}")]
    Key(String),
}

/// The names of all local issuers.
fn names() -> impl Iterator<Item = &'static str> {
    ["users", "services"].into_iter().chain(PROVIDERS.iter().map(|(name, ..)| *name))
}

fn iss(name: &str) -> String {
    // A reserved name that no domain owner can have (RFC 2606 §2).
    format!("https://{name}.dev.identity-link.invalid")
}

fn keys_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("issuers")
}

/// Makes the keys that are missing.
///
/// # Errors
/// If a key cannot be made, or a file cannot be read or written.
pub fn ensure_keys(data_dir: &Path) -> Result<(), IssuerError> {
    let dir = keys_dir(data_dir);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| IssuerError::File(path, error)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed(&dir))?;
    for name in names().chain([DEMO]) {
        let (private, public) =
            (dir.join(format!("{name}.pk8")), dir.join(format!("{name}.jwks.json")));
        if !private.exists() {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
                .map_err(|error| IssuerError::Key(error.to_string()))?;
            // Written to another file and renamed, so that a key is complete or missing.
            let unfinished = dir.join(format!("{name}.pk8.new"));
            let _ = fs::remove_file(&unfinished);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&unfinished)
                .map_err(failed(&unfinished))?;
            file.write_all(pkcs8.as_ref())
                .and_then(|()| file.sync_all())
                .map_err(failed(&unfinished))?;
            fs::rename(&unfinished, &private).map_err(failed(&private))?;
        }
        let pkcs8 = fs::read(&private).map_err(failed(&private))?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8)
            .map_err(|error| IssuerError::Key(error.to_string()))?;
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": name, "x": x});
        fs::write(&public, json!({"keys": [jwk]}).to_string()).map_err(failed(&public))?;
    }
    Ok(())
}

/// The configuration of `dev`, as a file like any other, from which an operator can start. `demo`
/// is the demo's URL; `None` if there is no demo. `scopes` are the ones that the issuers may give.
pub fn config_toml(
    listen: &str,
    database_url: &str,
    demo: Option<&str>,
    scopes: &Scopes,
) -> String {
    let [user_scopes, service_scopes] = [&scopes.user, &scopes.service].map(Vec::from_iter);
    let mut toml = format!(
        "# Written by `identity-link dev` at each start.\n\
         listen = {listen:?}\n\n[database]\nurl = {database_url:?}\n"
    );
    // Writing to a String cannot fail.
    let _ = writeln!(toml, "\n[auth0]\ntenants = [{:?}]", TENANTS[0]);
    for tenant in TENANTS {
        let _ = writeln!(toml, "\n[tenants.{tenant}]");
        for (name, social, email_trust) in PROVIDERS {
            let _ = writeln!(
                toml,
                "providers.{name}.social = {social}\nproviders.{name}.email_trust = {email_trust:?}"
            );
        }
        let _ =
            writeln!(toml, "providers.auth0.connections = [\"Username-Password-Authentication\"]");
    }
    toml.extend(demo.map(|base| demo::config_toml(TENANTS[0], base)));
    for name in names() {
        let provider = PROVIDERS.iter().find(|(provider, ..)| *provider == name);
        let _ = write!(
            toml,
            "\n[issuers.{name}]\nissuer = {:?}\njwks_file = \"issuers/{name}.jwks.json\"\nalgorithms = [\"EdDSA\"]\n\
             tenant_claim = {TENANT_CLAIM:?}\naudiences = [{AUDIENCE:?}]\n",
            iss(name)
        );
        let _ = match (name, provider) {
            ("services", _) => {
                write!(toml, "kind = \"service\"\nallowed_scopes = {service_scopes:?}\n")
            }
            (_, Some(_)) => write!(
                toml,
                "kind = \"user\"\nsubject = \"subject\"\nprovider = {name:?}\n\
                 allowed_scopes = {user_scopes:?}\nlink_with.audiences = [{AUDIENCE:?}]\n"
            ),
            (_, None) => write!(
                toml,
                "kind = \"user\"\nsubject = \"user_id\"\nallowed_scopes = {user_scopes:?}\n\
                 link_with.audiences = [{AUDIENCE:?}]\n"
            ),
        };
    }
    toml
}

/// Signs a token with a local issuer's key, as of now.
///
/// # Errors
/// If the tenant or the provider is unknown, or the key cannot be used.
pub fn sign(data_dir: &Path, request: &TokenRequest) -> Result<String, IssuerError> {
    if !TENANTS.contains(&request.tenant.as_str()) {
        return Err(IssuerError::UnknownTenant(request.tenant.clone(), TENANTS.join(", ")));
    }
    let (name, subject) = match &request.bearer {
        Bearer::User(id) => ("users", id),
        Bearer::Service(name) => ("services", name),
        Bearer::Identity { provider, subject, .. } => {
            match PROVIDERS.iter().find(|(name, ..)| name == provider) {
                Some((name, ..)) => (*name, subject),
                None => {
                    let known = PROVIDERS.map(|(name, ..)| name).join(", ");
                    return Err(IssuerError::UnknownProvider(provider.clone(), known));
                }
            }
        }
    };
    let issued_at = now();
    let mut claims = Map::from_iter([
        ("iss".to_owned(), json!(iss(name))),
        ("sub".to_owned(), json!(subject)),
        ("aud".to_owned(), json!(AUDIENCE)),
        ("iat".to_owned(), json!(issued_at)),
        ("exp".to_owned(), json!(issued_at.saturating_add(request.ttl.as_secs()))),
        ("jti".to_owned(), json!(Uuid::new_v4())),
        ("scope".to_owned(), json!(request.scope)),
        (TENANT_CLAIM.to_owned(), json!(request.tenant)),
    ]);
    if !matches!(request.bearer, Bearer::Service(_)) {
        claims.insert("auth_time".to_owned(), json!(issued_at));
    }
    if let Bearer::Identity { email: Some((email, verified)), .. } = &request.bearer {
        claims.insert("email".to_owned(), json!(email));
        claims.insert("email_verified".to_owned(), json!(verified));
    }
    encode(data_dir, name, "at+jwt", &claims)
}

/// The time now, in the seconds of a token's claims (RFC 7519 §2, "NumericDate").
pub(super) fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

/// Signs an ID token of a provider of the demo.
pub(super) fn sign_for_demo(
    data_dir: &Path,
    claims: &Map<String, Value>,
) -> Result<String, IssuerError> {
    encode(data_dir, DEMO, "JWT", claims)
}

/// The key set of the demo's providers.
pub(super) fn demo_jwks(data_dir: &Path) -> Result<Vec<u8>, IssuerError> {
    let path = keys_dir(data_dir).join(format!("{DEMO}.jwks.json"));
    fs::read(&path).map_err(|error| IssuerError::File(path, error))
}

fn encode(
    data_dir: &Path,
    name: &str,
    typ: &str,
    claims: &Map<String, Value>,
) -> Result<String, IssuerError> {
    let path = keys_dir(data_dir).join(format!("{name}.pk8"));
    let pkcs8 = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => IssuerError::NoKeys(data_dir.to_owned()),
        _ => IssuerError::File(path, error),
    })?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = Some(name.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&pkcs8))
        .map_err(|error| IssuerError::Key(error.to_string()))
}
