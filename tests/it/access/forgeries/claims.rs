//! Claims that are missing, of another type, or for another party, all with good signatures.

use serde_json::{Value, json};

use super::{Forgery, claim_rows, header, rows, with_claim_text, without};
use crate::support::tokens::{AUDIENCE, Token, iss};

/// J20: issuers that are nearly the one whose key signs. jsonwebtoken alone would accept a list of
/// them.
pub(super) fn issuers(good: &Token) -> Vec<Forgery> {
    let own = iss(good.signer);
    let other = iss(if good.signer == "github" { "sms" } else { "github" });
    let host = own.trim_start_matches("https://");
    let values = vec![
        json!(other),
        json!(iss("stranger")),
        json!(format!("{own}/")),
        json!(format!("{own}/.")),
        json!(format!("{own}:443")),
        json!(format!("{own} ")),
        json!(format!(" {own}")),
        json!(format!("{own}\0")),
        json!(own.to_uppercase()),
        json!(format!("http://{host}")),
        json!(format!("https://{own}")),
        json!(format!("https://x@{host}")),
        json!(host),
        json!(own[..own.len() - 1]),
        json!(format!("{own}.example.org")),
        json!([own]),
        json!([own, other]),
        json!({"iss": own}),
        json!(""),
        Value::Null,
        json!(1),
        json!(true),
    ];
    [claim_rows("J20", good, "iss", values), without("J20", good, "iss")].concat()
}

/// J18: audiences of others. jsonwebtoken accepts an `aud` of another type unless `aud` is
/// required.
pub(super) fn audiences(good: &Token) -> Vec<Forgery> {
    let us = AUDIENCE;
    let values = vec![
        json!([]),
        json!(["other"]),
        json!("other"),
        json!(""),
        json!([""]),
        Value::Null,
        json!([null]),
        json!(5),
        json!({}),
        json!({"aud": us}),
        json!({us: true}),
        json!(true),
        json!([[us]]),
        json!([us, 5]),
        json!([us, null]),
        json!(us[..us.len() - 1]),
        json!(us[1..]),
        json!(format!("{us}2")),
        json!(format!("{us} ")),
        json!(format!("{us} other")),
        json!(format!("{us},other")),
        json!(format!("{us}\0")),
        json!(us.to_uppercase()),
        json!("*"),
    ];
    [claim_rows("J18", good, "aud", values), without("J18", good, "aud")].concat()
}

/// J22: subjects that name no user.
pub(super) fn subjects(good: &Token) -> Vec<Forgery> {
    let values = vec![
        json!(5),
        json!(""),
        Value::Null,
        json!(true),
        json!(["g1"]),
        json!({"sub": "g1"}),
        json!("\0"),
        json!("g1\0"),
        json!("g1\n"),
        json!("g\u{85}1"),
        json!("x".repeat(256)),
        json!("é".repeat(128)),
        json!("x".repeat(5_000)),
        json!("x".repeat(10_000)),
    ];
    [claim_rows("J22", good, "sub", values), without("J22", good, "sub")].concat()
}

/// Scopes and tenants: these claims have no threat number, since only this server reads them.
pub(super) fn ours(good: &Token) -> Vec<Forgery> {
    let scopes = vec![
        json!(["read:users", "read:current_user"]),
        json!(1),
        Value::Null,
        json!({}),
        json!(true),
    ];
    let tenants = vec![
        json!("nowhere"),
        json!("../default"),
        json!("Default"),
        json!("default "),
        json!("default\0"),
        json!(""),
        Value::Null,
        json!(["default"]),
        json!({"default": true}),
        json!(1),
        json!("*"),
    ];
    [
        claim_rows("scope", good, "scope", scopes),
        claim_rows("tenant", good, "tenant", tenants),
        without("tenant", good, "tenant"),
    ]
    .concat()
}

/// J13: of a claim that comes twice, one reader may take the first and another reader the last.
/// serde refuses it in a struct, and not in a map.
pub(super) fn twice(good: &Token) -> Vec<Forgery> {
    let claims = ["iss", "sub", "aud", "exp", "iat", "scope", "tenant", "jti"];
    let mut found: Vec<_> = claims
        .into_iter()
        .map(|claim| {
            let twice = good.claims.to_string().replacen(
                '{',
                &format!("{{\"{claim}\":{},", good.claims[claim]),
                1,
            );
            (format!("{claim} twice"), good.sign_texts(&header(good).to_string(), &twice))
        })
        .collect();
    // Escaped, it is the same name.
    let escaped = with_claim_text(good, "s\\u0075b", "\"victim\"");
    found.push(("sub twice, once escaped".to_owned(), escaped));
    for name in ["alg", "kid", "typ"] {
        let own = header(good);
        let twice = own.to_string().replacen('{', &format!("{{\"{name}\":{},", own[name]), 1);
        found.push((format!("{name} twice"), good.sign_texts(&twice, &good.claims.to_string())));
    }
    rows("J13", found)
}
