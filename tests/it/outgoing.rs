//! The server's own connections to issuers, providers and the database: whose certificates it
//! trusts, the proxy, and what the log says of failures.

mod authorities;
mod password_file;
mod proxied;
mod why;

use std::{net::SocketAddr, path::Path};

use serde_json::json;

use crate::{
    access::stranger_jwk,
    support::{
        tls::{Authority, Pair},
        tls_front::in_front_of,
        tokens::Token,
        web_server::{Answer, WebServer},
        *,
    },
};

/// The name of a server that only a proxy of a test can reach.
const AWAY: &str = "keys.example.test";

/// The response of an issuer's key endpoint.
fn keys() -> Answer {
    Answer::ok(&json!({"keys": [stranger_jwk("1")]}).to_string())
}

/// A server of the issuer's keys behind TLS with this certificate.
async fn keys_behind(pair: &Pair) -> (WebServer, SocketAddr) {
    let keys = WebServer::of_keys(keys()).await;
    let address = in_front_of(keys.address, pair).await;
    (keys, address)
}

/// The issuer of [`token`], whose keys are at this URL, with further settings.
fn issuer(jwks_url: &str, further: &str) -> String {
    named_issuer("stranger", &tokens::iss("stranger"), jwks_url, further)
}

fn named_issuer(name: &str, iss: &str, jwks_url: &str, further: &str) -> String {
    format!(
        "[issuers.{name}]\nissuer = \"{iss}\"\nalgorithms = [\"EdDSA\"]\njwks_url = \"{jwks_url}\"\n\
         kind = \"service\"\ntenant = \"default\"\naudiences = [\"identity-link\"]\n\
         allowed_scopes = [\"read:users\"]\n{further}\n"
    )
}

/// The line that names a file of authorities.
fn ca(file: &Path) -> String {
    format!("ca = \"{}\"", file.display())
}

/// What a caller with a token of that issuer gets: `NotFound` if the token is accepted.
async fn outcome(server: &TestServer) -> String {
    let token = Token::of("stranger", "backend").scope("read:users");
    refusal(server.caller(&token).get_user(get("nobodys-id")).await)
}

const ACCEPTED: &str = "NotFound USER_NOT_FOUND";
const NO_KEYS: &str = "Unavailable KEYS_UNAVAILABLE";

/// The files of an authority in a folder of one test.
fn authority_in(dir: &Path, name: &str) -> (Authority, std::path::PathBuf) {
    let authority = Authority::new(name);
    let file = dir.join(format!("{name}.pem"));
    authority.write(&file);
    (authority, file)
}
