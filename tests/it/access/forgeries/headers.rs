//! Headers that choose the key, contain critical extensions, or belong to other types of token.

use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::{Forgery, deep, header, rows, with_header};
use crate::support::tokens::{Token, jwk, signing_key};

/// A token of `stranger` with its own key in the header: a verifier that trusts such a key accepts
/// any signer.
fn signed_by_stranger(good: &Token, name: &str, value: Value, kid: Option<&str>) -> String {
    let mut header = header(good);
    header["alg"] = json!("EdDSA");
    header["kid"] = kid.into();
    header[name] = value;
    let stranger =
        Token { signer: "stranger", header: Token::of("stranger", "x").header, ..good.clone() };
    stranger.sign_texts(&header.to_string(), &good.claims.to_string())
}

/// J06: headers that contain a key, or the URL of one. No server listens at these URLs; another
/// test checks that the server does not connect.
pub(super) fn embedded_keys(good: &Token) -> Vec<Forgery> {
    let mut found = Vec::new();
    for (name, value) in bringing_keys("https://stranger.example.com/jwks") {
        for kid in [Some("1"), Some("stranger"), None] {
            found.push((
                format!("{name}, kid {kid:?}"),
                signed_by_stranger(good, name, value.clone(), kid),
            ));
        }
    }
    rows("J06", found)
}

/// The headers that contain a key, or name where it is.
pub(crate) fn bringing_keys(url: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("jwk", jwk("stranger")),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!([data_encoding::BASE64.encode(b"a certificate")])),
        ("x5t", json!("a thumbprint")),
        ("x5t#S256", json!("a thumbprint")),
        ("kid", json!(url)),
    ]
}

/// J07: key ids that a careless lookup takes for more than a name.
pub(super) fn key_ids(good: &Token) -> Vec<Forgery> {
    let mut ids: Vec<Value> = [
        "2",
        "",
        " ",
        "1 ",
        " 1",
        "01",
        "1\0",
        "\0",
        "1\n",
        "\u{7f}",
        "\u{202e}1",
        "１",
        "*",
        "../../../../dev/null",
        "/dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///etc/passwd",
        "http://127.0.0.1:1/jwks",
        "1' OR '1'='1",
        "x' UNION SELECT 'k' -- ",
        "1; DROP TABLE users",
        "|/usr/bin/id",
        "$(id)",
        "${jndi:ldap://127.0.0.1:1/x}",
        "{\"kid\":\"1\"}",
        "__proto__",
    ]
    .map(Value::from)
    .to_vec();
    ids.extend([
        json!(1),
        json!(1.0),
        json!(true),
        json!(["1"]),
        json!({"kid": "1"}),
        json!("k".repeat(2_000)),
    ]);
    let of_a_million = json!("k".repeat(1024 * 1024));
    let mut found: Vec<_> = ids
        .into_iter()
        .map(|id| (format!("kid {:.60}", id.to_string()), with_header(good, "kid", id)))
        .collect();
    found.push(("kid of a megabyte".to_owned(), with_header(good, "kid", of_a_million)));
    // An HMAC whose secret is the content of the file that the key id names, which is empty.
    let mut header = good.header.clone();
    header.kid = Some("/dev/null".to_owned());
    header.alg = jsonwebtoken::Algorithm::HS256;
    let token =
        jsonwebtoken::encode(&header, &good.claims, &EncodingKey::from_secret(b"")).unwrap();
    found.push(("kid of an empty file, signed with it".to_owned(), token));
    rows("J07", found)
}

/// J11, J27: critical extensions, and headers that announce another form of payload.
pub(super) fn extensions(good: &Token) -> Vec<Forgery> {
    let critical = [
        json!(["b64"]),
        json!(["exp"]),
        json!([]),
        json!([""]),
        json!("exp"),
        json!([1]),
        json!({}),
    ];
    let mut found: Vec<_> = critical
        .into_iter()
        .map(|names| (format!("crit {names}"), with_header(good, "crit", names)))
        .collect();
    for unencoded in [false, true] {
        let mut header = header(good);
        header["b64"] = json!(unencoded);
        let claims = good.claims.to_string();
        found.push((format!("b64 {unencoded}"), good.sign_texts(&header.to_string(), &claims)));
        header["crit"] = json!(["b64"]);
        found.push((
            format!("b64 {unencoded}, as it must be said"),
            good.sign_texts(&header.to_string(), &claims),
        ));
    }
    let key = signing_key(good.signer);
    let mut critical = good.header.clone();
    critical.crit = Some(vec!["http://example.com/UNDEFINED".to_owned()]);
    critical.extras.insert("http://example.com/UNDEFINED", true);
    let token = jsonwebtoken::encode(&critical, &good.claims, key).unwrap();
    found.push(("the example of RFC 7515, appendix E".to_owned(), token));
    let of_encryption = [
        ("enc", json!("A256GCM")),
        ("enc", json!("x")),
        ("zip", json!("DEF")),
        ("zip", json!("GZIP")),
    ];
    let encrypted = of_encryption
        .map(|(name, value)| (format!("{name} {value}"), with_header(good, name, value)));
    [rows("J11", found), rows("J27", encrypted)].concat()
}

/// J16, J17: tokens that the issuer made for another use; J26: headers that are nested too deep.
pub(super) fn types(good: &Token) -> Vec<Forgery> {
    let of_type = |typ: Value| (format!("typ {typ}"), with_header(good, "typ", typ));
    let of_others = [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "kb+jwt",
        "entity-statement+jwt",
        "oauth-authz-req+jwt",
    ];
    let nearly = [
        "JWT",
        "jwt",
        "application/jwt",
        "",
        "ID",
        "JOSE",
        "JOSE+JSON",
        "JWE",
        "at",
        "jwt+at",
        "at+jwt2",
        "at+jwt ",
        " at+jwt",
        "at +jwt",
        "at+jwt;v=1",
        "at+jwt,JWT",
        "at+jwt\0",
        "application/",
        "text/at+jwt",
        "application/application/at+jwt",
    ];
    let no_texts = [json!(1), json!(["at+jwt"]), json!({}), json!(true)];
    let mut plain = good.clone();
    plain.header.typ = None;
    // As in the examples of OpenID Connect Core §2 and Back-Channel Logout §2.4.
    let id_token =
        good.clone().with("nonce", "n-0S6_WzA2Mj").with("aud", "client").with("scope", Value::Null);
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let logout_token = good.clone().with("sid", "08a5019c").with("events", events);
    let deep_header =
        header(good).to_string().replacen('{', &format!("{{\"x\":{},", deep(2_000)), 1);
    [
        rows("J16", nearly.map(Value::from).into_iter().chain(no_texts).map(of_type)),
        rows(
            "J16",
            [("no typ", plain.sign()), ("an ID token", with_header(&id_token, "typ", "JWT"))],
        ),
        rows("J17", of_others.map(Value::from).map(of_type)),
        rows("J17", [("a logout token", with_header(&logout_token, "typ", "logout+jwt"))]),
        rows("J26", [("a deep header", good.sign_texts(&deep_header, &good.claims.to_string()))]),
    ]
    .concat()
}
