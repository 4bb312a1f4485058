//! Other ways to write a token, and tokens that are too large.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use serde_json::json;

use super::{Forgery, deep, header, parts, plain_header, rows, with_header};
use crate::support::tokens::Token;

/// J13: a token has one form only (RFC 7515 §7.1).
pub(super) fn encodings(good: &Token) -> Vec<Forgery> {
    let signed = good.sign();
    let [head, payload, signature] = parts(&signed);
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let json = json!({"protected": head, "payload": payload, "signature": signature});
    let general =
        json!({"payload": payload, "signatures": [{"protected": head, "signature": signature}]});
    // The last character has bits that belong to no byte, so another character gives the same
    // bytes.
    let last = signature.chars().last().unwrap();
    let other_bits = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let mut found = vec![
        ("garbage", "garbage".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("four parts", format!("{signed}.{signature}")),
        ("five parts", format!("{signed}.{payload}.{signature}")),
        ("a dot in front", format!(".{signed}")),
        ("a dot behind", format!("{signed}.")),
        ("no header", format!(".{payload}.{signature}")),
        ("no claims", format!("{head}..{signature}")),
        ("padding", format!("{signed}=")),
        ("more padding", format!("{signed}==")),
        ("a padded header", format!("{head}=.{payload}.{signature}")),
        ("padded claims", format!("{head}.{payload}=.{signature}")),
        (
            "a signature as padded base64url",
            format!("{head}.{payload}.{}", BASE64URL.encode(&bytes)),
        ),
        (
            "bits behind the last byte",
            format!("{head}.{payload}.{}{other_bits}", &signature[..signature.len() - 1]),
        ),
        ("a space in front", format!(" {signed}")),
        ("a space within", format!("{head}. {payload}.{signature}")),
        ("a tab within", format!("{head}.\t{payload}.{signature}")),
        ("a line end behind", format!("{signed}\n")),
        ("line ends within", format!("{head}.{payload}.\n{signature}")),
        ("NUL behind", format!("{signed}\0")),
        ("another token behind", format!("{signed} {signed}")),
        ("another token behind a comma", format!("{signed},{signed}")),
        ("quotes", format!("\"{signed}\"")),
        ("percent signs", signed.replace('.', "%2e")),
        ("lower case", signed.to_lowercase()),
        ("another scheme in front", format!("Bearer {signed}")),
        ("JSON", json.to_string()),
        ("general JSON", general.to_string()),
        (
            "claims that are a list",
            good.sign_texts(&header(good).to_string(), &format!("[{}]", good.claims)),
        ),
        (
            "claims that are a text",
            good.sign_texts(&header(good).to_string(), &json!(good.claims.to_string()).to_string()),
        ),
        ("claims that are null", good.sign_texts(&header(good).to_string(), "null")),
        ("no claims, signed", good.sign_texts(&header(good).to_string(), "")),
        (
            "something behind the claims",
            good.sign_texts(&header(good).to_string(), &format!("{0}{0}", good.claims)),
        ),
        (
            "a byte order mark",
            good.sign_texts(&header(good).to_string(), &format!("\u{feff}{}", good.claims)),
        ),
        (
            "a header that is a list",
            good.sign_texts(&format!("[{}]", header(good)), &good.claims.to_string()),
        ),
    ];
    let standard = BASE64_NOPAD.encode(&bytes);
    if standard != signature {
        found.push(("a signature as plain base64", format!("{head}.{payload}.{standard}")));
        found.push((
            "a signature as padded plain base64",
            format!("{head}.{payload}.{}", BASE64.encode(&bytes)),
        ));
    }
    rows("J13", found)
}

/// J26: tokens that are too long or nested too deep.
pub(super) fn huge(good: &Token) -> Vec<Forgery> {
    let padded = |size: usize| good.clone().with("padding", "x".repeat(size)).sign();
    let deep_claims =
        good.claims.to_string().replacen('{', &format!("{{\"x\":{},", deep(2_000)), 1);
    let deep_claims = good.sign_texts(&header(good).to_string(), &deep_claims);
    // The claims could be parsed before the signature is verified.
    let [_, deep_payload, _] = parts(&deep_claims);
    let forged = format!("{}.{deep_payload}.AAAA", parts(&good.sign())[0]);
    rows(
        "J26",
        [
            ("over 8 KiB", padded(8 * 1024)),
            ("64 KiB", padded(48 * 1024)),
            ("a megabyte", padded(768 * 1024)),
            ("a megabyte of nothing", "a".repeat(1024 * 1024)),
            ("8,000 dots", ".".repeat(8_000)),
            ("100,000 dots", ".".repeat(100_000)),
            ("deep claims", deep_claims),
            ("deep claims, not signed", forged),
            ("a header of a megabyte", with_header(good, "x", "x".repeat(768 * 1024))),
        ],
    )
}

/// J27: encrypted tokens, and tokens within tokens.
pub(super) fn encrypted(good: &Token) -> Vec<Forgery> {
    let signed = good.sign();
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let jwe = |algorithm: &str| {
        let header =
            json!({"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "typ": "at+jwt", "kid": "1"});
        let rest = ["", "0123456789ab", signed.as_str(), "0123456789abcdef"].map(part).join(".");
        format!("{}.{rest}", part(&header.to_string()))
    };
    let mut nested = plain_header("");
    nested["alg"] = header(good)["alg"].clone();
    nested["cty"] = json!("JWT");
    rows(
        "J27",
        [
            ("encrypted for RSA", jwe("RSA-OAEP-256")),
            ("encrypted with a password of many rounds", {
                let header = json!({"alg": "PBES2-HS256+A128KW", "p2c": u32::MAX, "p2s": "x", "enc": "A128GCM"});
                format!("{}.{}", part(&header.to_string()), ["", "x", "x", "x"].map(part).join("."))
            }),
            ("encrypted directly", jwe("dir")),
            ("a token as the claims", good.sign_texts(&nested.to_string(), &signed)),
            (
                "a token as the claims, in quotes",
                good.sign_texts(&nested.to_string(), &json!(signed).to_string()),
            ),
        ],
    )
}
