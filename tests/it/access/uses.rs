//! J16, J18: a good bearer token may be no good proof, and the other way round. Each use has
//! audiences, types and an age of its own.

use serde_json::{Value, json};

use super::stranger;
use crate::support::{tokens::Token, *};

/// A server that accepts the stranger's access tokens for `api`, and its ID tokens for `app`.
async fn of_two_uses() -> TestServer {
    let settings = "kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\n\
                    audiences = [\"api\"]\nallowed_scopes = [\"read:current_user\"]\n\
                    link_with.audiences = [\"app\"]\nlink_with.types = [\"JWT\", \"\"]\nlink_with.max_age = \"5m\"";
    let server = TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, settings)
    })
    .await;
    server.service().create("p", "1").await;
    server.service().create("github", "h1").await;
    server
}

/// `bearer | proof`, each `yes` or `-`.
async fn uses(server: &TestServer, token: &str) -> String {
    let bearer = server
        .raw_authorized("/identitylink.v1.IdentityService/GetUser", &format!("Bearer {token}"))
        .await;
    let preview =
        identity_link::grpc::proto::LinkRequest { validate_only: true, ..link_with(token) };
    let proof = server.person("github", "h1").link(preview).await;
    let word = |refused: Option<String>, as_expected: &str| match refused {
        None => "yes",
        Some(refused) if refused == as_expected => "-",
        Some(other) => panic!("{other}"),
    };
    let bearer = word(
        bearer.err().map(|status| refusal::<()>(Err(status))),
        "Unauthenticated TOKEN_INVALID",
    );
    let proof = word(
        proof.err().map(|status| refusal::<()>(Err(status))),
        "FailedPrecondition LINK_TOKEN_INVALID",
    );
    format!("{bearer:>6} | {proof:>5}")
}

#[tokio::test]
async fn each_use_has_its_own_types() {
    let server = of_two_uses().await;
    let mut table = vec![format!("{:32} bearer | proof", "typ")];
    for typ in [
        Value::Null,
        json!(""),
        json!("JWT"),
        json!("jwt"),
        json!("application/jwt"),
        json!("at+jwt"),
        json!("AT+JWT"),
        json!("application/at+jwt"),
        json!("Application/At+Jwt"),
        json!("application/application/at+jwt"),
        json!("logout+jwt"),
        json!("secevent+jwt"),
        json!("application/"),
        json!(["JWT"]),
    ] {
        let token = Token::of("stranger", "1").with("aud", json!(["api", "app"]));
        let mut header = serde_json::to_value(&token.header).unwrap();
        header.as_object_mut().unwrap().remove("typ");
        if !typ.is_null() {
            header["typ"] = typ.clone();
        }
        let token = token.sign_texts(&header.to_string(), &token.claims.to_string());
        let name = if typ.is_null() { "none".to_owned() } else { typ.to_string() };
        table.push(format!("{name:32} {}", uses(&server, &token).await));
    }

    insta::assert_snapshot!(table.join("\n"), @r#"
        typ                              bearer | proof
        none                                  - |   yes
        ""                                    - |   yes
        "JWT"                                 - |   yes
        "jwt"                                 - |   yes
        "application/jwt"                     - |   yes
        "at+jwt"                            yes |     -
        "AT+JWT"                            yes |     -
        "application/at+jwt"                yes |     -
        "Application/At+Jwt"                yes |     -
        "application/application/at+jwt"      - |     -
        "logout+jwt"                          - |     -
        "secevent+jwt"                        - |     -
        "application/"                        - |     -
        ["JWT"]                               - |     -
    "#);
}

#[tokio::test]
async fn each_use_has_its_own_audiences_and_age() {
    let server = of_two_uses().await;
    let mut table = vec![format!("{:32} bearer | proof", "aud, typ, issued ago")];
    for aud in [json!("api"), json!("app"), json!(["api", "app"]), json!(["identity-link"])] {
        for typ in ["at+jwt", "JWT"] {
            for ago in [0, 330] {
                let mut token = Token::of("stranger", "1").with("aud", aud.clone()).issued_ago(ago);
                token.header.typ = Some(typ.to_owned());
                let what = format!("{aud}, {typ}, {ago} s");
                table.push(format!("{what:32} {}", uses(&server, &token.sign()).await));
            }
        }
    }

    insta::assert_snapshot!(table.join("\n"), @r#"
        aud, typ, issued ago             bearer | proof
        "api", at+jwt, 0 s                  yes |     -
        "api", at+jwt, 330 s                yes |     -
        "api", JWT, 0 s                       - |     -
        "api", JWT, 330 s                     - |     -
        "app", at+jwt, 0 s                    - |     -
        "app", at+jwt, 330 s                  - |     -
        "app", JWT, 0 s                       - |   yes
        "app", JWT, 330 s                     - |     -
        ["api","app"], at+jwt, 0 s          yes |     -
        ["api","app"], at+jwt, 330 s        yes |     -
        ["api","app"], JWT, 0 s               - |   yes
        ["api","app"], JWT, 330 s             - |     -
        ["identity-link"], at+jwt, 0 s        - |     -
        ["identity-link"], at+jwt, 330 s      - |     -
        ["identity-link"], JWT, 0 s           - |     -
        ["identity-link"], JWT, 330 s         - |     -
    "#);
}
