//! J24, J29: times. By default, jsonwebtoken has a leeway of a minute, rounds fractions, and checks
//! neither `iat` nor `nbf`. Times in the future are minutes away, so that a slow test does not reach
//! them. A fraction of a second makes no bad time good.

use serde_json::{Value, json};

use super::{Forgery, claim_rows, rows, with_claim_text, without};
use crate::support::tokens::Token;

/// All rows about times.
pub(super) fn all(good: &Token) -> Vec<Forgery> {
    let now = identity_link::clock::now().timestamp();
    let exp = good.claims["exp"].as_i64().unwrap();
    let ended = |ago: i64| good.clone().issued_ago(1_000).with("exp", now - ago);
    let text =
        |claim: &str, json: &str| (format!("{claim} {json}"), with_claim_text(good, claim, json));
    let stranger =
        Token { signer: "stranger", header: Token::of("stranger", "x").header, ..ended(60) };
    let no_time = |time: i64| {
        vec![
            json!(time.to_string()),
            json!(f64::MAX),
            json!(1e13),
            Value::Null,
            json!(true),
            json!([time]),
            json!({}),
            json!(""),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
        ]
    };
    [
        rows(
            "J24",
            [
                ("expired", ended(60).sign()),
                ("expired, but for the leeway of jsonwebtoken", ended(45).sign()),
            ],
        ),
        rows(
            "J24",
            [
                text("exp", "1e400"),
                text("exp", "NaN"),
                text("exp", "Infinity"),
                text("exp", &format!("{}.5", now - 60)),
                text("exp", &format!("{}.5", now + 86_402)),
            ],
        ),
        rows(
            "J24",
            [text("exp", "-0.5"), text("exp", "-1"), text("exp", "0"), text("exp", "0x7fffffff")],
        ),
        rows("J24", [text("exp", "4102444800"), text("exp", &(now + 86_401).to_string())]),
        claim_rows("J24", good, "exp", no_time(exp)),
        without("J24", good, "exp"),
        rows("J24", [text("nbf", &(now + 500).to_string()), text("nbf", "4102444800")]),
        rows(
            "J24",
            [text("nbf", &format!("{}.5", now + 500)), text("nbf", "1e400"), text("nbf", "-1")],
        ),
        // A whole number in the past is good, so 0 is not among the rows.
        claim_rows(
            "J24",
            good,
            "nbf",
            vec![json!("0"), Value::Null, json!({}), json!([0]), json!(true), json!(u64::MAX)],
        ),
        rows(
            "J24",
            [
                ("issued in the future", good.clone().issued_ago(-500).sign()),
                (
                    "issued in the future, after a sign-in",
                    good.clone().issued_ago(-500).with("auth_time", now).sign(),
                ),
                (
                    "issued far in the future",
                    good.clone().issued_ago(-600).with("exp", now + 1_200).sign(),
                ),
                ("issued long ago for long", good.clone().with("iat", now - 86_400).sign()),
                ("issued before 1970", good.clone().with("iat", -1).sign()),
            ],
        ),
        rows("J24", [text("iat", &format!("{}.5", now + 500)), text("iat", "-0.5")]),
        claim_rows("J24", good, "iat", no_time(now)),
        without("J24", good, "iat"),
        claim_rows(
            "J24",
            good,
            "auth_time",
            vec![
                json!(now.to_string()),
                json!(now as f64 + 500.5),
                Value::Null,
                json!([]),
                json!(u64::MAX),
                json!(now + 500),
                json!(4_102_444_800_i64),
            ],
        ),
        // J29: a token that is wrong in two ways is refused too.
        rows(
            "J29",
            [
                ("expired, and signed by a stranger", stranger.sign()),
                ("expired, for another audience", ended(60).with("aud", "other").sign()),
                ("expired, without a subject", ended(60).with("sub", "").sign()),
            ],
        ),
    ]
    .concat()
}
