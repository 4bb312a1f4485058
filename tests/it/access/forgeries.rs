//! Tokens that are wrong in one way each, as a table. A row has the number of its threat, so that a
//! search for `J13` finds it. Rows that only a bad issuer could sign have a good signature, so that
//! the signature is not what is refused.

mod claims;
mod forms;
mod headers;
mod signatures;
mod times;

use serde_json::{Value, json};

pub(super) use self::headers::bringing_keys;

use crate::support::tokens::Token;

/// A token that must be refused.
#[derive(Debug, Clone)]
pub(super) struct Forgery {
    /// The number of the threat.
    pub id: &'static str,
    /// What is wrong with it.
    pub what: String,
    /// The token.
    pub token: String,
}

impl Forgery {
    /// Whether it fits in a header as a bearer token, with all headers limited to 64 KiB.
    pub(super) fn is_a_header(&self) -> bool {
        self.token.len() < 60 * 1024 && !self.token.contains(char::is_control)
    }
}

/// Every forgery of this token, which is itself good.
pub(super) fn of(good: &Token) -> Vec<Forgery> {
    [
        signatures::none(good),
        signatures::symmetric(good),
        signatures::algorithms(good),
        signatures::keys(good),
        signatures::stripped(good),
        signatures::degenerate(good),
        headers::embedded_keys(good),
        headers::key_ids(good),
        headers::extensions(good),
        headers::types(good),
        claims::issuers(good),
        claims::audiences(good),
        claims::subjects(good),
        claims::ours(good),
        claims::twice(good),
        times::all(good),
        forms::encodings(good),
        forms::huge(good),
        forms::encrypted(good),
    ]
    .concat()
}

/// The rows of one threat.
fn rows<W: Into<String>>(
    id: &'static str,
    rows: impl IntoIterator<Item = (W, String)>,
) -> Vec<Forgery> {
    rows.into_iter().map(|(what, token)| Forgery { id, what: what.into(), token }).collect()
}

/// The three parts of a token.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// The header of a token.
fn header(token: &Token) -> Value {
    serde_json::to_value(&token.header).unwrap()
}

/// The token with another header parameter and a good signature.
fn with_header(good: &Token, name: &str, value: impl Into<Value>) -> String {
    let mut header = header(good);
    header[name] = value.into();
    good.sign_texts(&header.to_string(), &good.claims.to_string())
}

/// The token with a claim whose JSON is this text, and a good signature.
fn with_claim_text(good: &Token, claim: &str, json: &str) -> String {
    let others = good.clone().with(claim, Value::Null).claims.to_string();
    good.sign_texts(
        &header(good).to_string(),
        &others.replacen('{', &format!("{{\"{claim}\":{json},"), 1),
    )
}

/// One row per value of a claim.
fn claim_rows(id: &'static str, good: &Token, claim: &str, values: Vec<Value>) -> Vec<Forgery> {
    // `null` is written as such: a token without the claim is another row.
    rows(
        id,
        values.into_iter().map(|value| {
            let json = value.to_string();
            (format!("{claim} {json:.60}"), with_claim_text(good, claim, &json))
        }),
    )
}

/// A row for a token without this claim.
fn without(id: &'static str, good: &Token, claim: &str) -> Vec<Forgery> {
    rows(id, [(format!("no {claim}"), good.clone().with(claim, Value::Null).sign())])
}

/// JSON with this many nested lists.
fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// A header with the required parameters only.
fn plain_header(algorithm: &str) -> Value {
    json!({"alg": algorithm, "typ": "at+jwt", "kid": "1"})
}
