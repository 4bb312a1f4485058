//! Signatures that are missing, or made without the issuer's private key.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
    },
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{Forgery, header, parts, plain_header, rows};
use crate::support::tokens::{ISSUERS, Token, jwk, pem, signing_key};

/// A header and the token's claims, without a signature.
fn unsigned(good: &Token, header: &Value) -> String {
    [header.to_string(), good.claims.to_string()]
        .map(|text| BASE64URL_NOPAD.encode(text.as_bytes()))
        .join(".")
}

/// J01: the algorithm `none` in several spellings, and other names of no algorithm, without a
/// signature and with one.
pub(super) fn none(good: &Token) -> Vec<Forgery> {
    let signed = good.sign();
    let [_, _, signature] = parts(&signed);
    let own = header(good)["alg"].clone();
    let named = ["none", "None", "nOnE", "NONE", "none ", ""].map(Value::from);
    let others = [Value::Null, json!(0), json!(["none"]), json!([own]), json!({}), json!("EdDSA2")];
    let mut headers: Vec<Value> =
        named.into_iter().chain(others).map(|alg| json!({"alg": alg})).collect();
    headers.push(json!({}));
    let mut found = Vec::new();
    for mut header in headers {
        header["typ"] = json!("at+jwt");
        header["kid"] = json!("1");
        let unsigned = unsigned(good, &header);
        found.push((format!("alg {}, no signature", header["alg"]), format!("{unsigned}.")));
        found.push((
            format!("alg {}, the good signature", header["alg"]),
            format!("{unsigned}.{signature}"),
        ));
    }
    // The signature covers this header, which names two algorithms.
    let twice = format!("{{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"1\",\"alg\":{own}}}");
    found.push((
        "alg none and then a good one".to_owned(),
        good.sign_texts(&twice, &good.claims.to_string()),
    ));
    rows("J01", found)
}

/// The public key of an issuer, in every form that a verifier could take for a secret.
fn public_keys(issuer: &str) -> Vec<(&'static str, Vec<u8>)> {
    let (key, jwk) = (signing_key(issuer), jwk(issuer));
    let (der, raw) = match key.family() {
        AlgorithmFamily::Rsa => {
            let pair = RsaKeyPair::from_der(key.as_bytes()).unwrap();
            let der: PublicKeyX509Der = pair.public_key().as_der().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        AlgorithmFamily::Ec => {
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes()).unwrap();
            let der: PublicKeyX509Der = pair.public_key().as_der().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        _ => {
            let pair = Ed25519KeyPair::from_pkcs8(key.as_bytes()).unwrap();
            let der: PublicKeyX509Der = pair.public_key().as_der().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
    };
    let text = pem("PUBLIC KEY", &der);
    let number = jwk.get("n").or_else(|| jwk.get("x")).unwrap().as_str().unwrap();
    vec![
        ("PEM", text.clone().into_bytes()),
        ("PEM without the last line end", text.trim_end().as_bytes().to_vec()),
        ("PEM with carriage returns", text.replace('\n', "\r\n").into_bytes()),
        ("DER", der),
        ("key as it is", raw),
        ("n or x", BASE64URL_NOPAD.decode(number.as_bytes()).unwrap()),
        ("n or x as text", number.as_bytes().to_vec()),
        ("JWK", jwk.to_string().into_bytes()),
        ("JWKS", json!({"keys": [jwk]}).to_string().into_bytes()),
        ("nothing", Vec::new()),
    ]
}

/// J02: a public key, used as the secret of an HMAC.
pub(super) fn symmetric(good: &Token) -> Vec<Forgery> {
    let mut found = Vec::new();
    for (what, secret) in public_keys(good.signer) {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = good.header.clone();
            header.alg = algorithm;
            let key = EncodingKey::from_secret(&secret);
            let token = jsonwebtoken::encode(&header, &good.claims, &key).unwrap();
            found.push((format!("{algorithm:?} by the public {what}"), token));
        }
    }
    rows("J02", found)
}

/// J03: the issuer's key, used with an algorithm that is not the key's, even if the issuer may use
/// it.
pub(super) fn algorithms(good: &Token) -> Vec<Forgery> {
    let key = signing_key(good.signer);
    let others = |algorithm: &&Algorithm| **algorithm != good.header.alg;
    let family = key.family();
    let can_sign = family
        .algorithms()
        .iter()
        .filter(others)
        .filter(|algorithm| **algorithm != Algorithm::ES384);
    let signed = can_sign.map(|algorithm| {
        let mut header = good.header.clone();
        header.alg = *algorithm;
        (
            format!("{algorithm:?} by the same key"),
            jsonwebtoken::encode(&header, &good.claims, key).unwrap(),
        )
    });
    // Only the header names the algorithm; the signature is of the key's own.
    let every =
        ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "ES512", "ES256K", "Ed25519"];
    let own = header(good)["alg"].clone();
    let said = every.into_iter().filter(|named| own != *named).map(|named| {
        (
            format!("said to be {named}"),
            good.sign_texts(&plain_header(named).to_string(), &good.claims.to_string()),
        )
    });
    rows("J03", signed.chain(said))
}

/// J09, J20: keys of other issuers, trusted or not. All of them have the same key id.
pub(super) fn keys(good: &Token) -> Vec<Forgery> {
    let others = ISSUERS.into_iter().filter(|issuer| *issuer != good.signer);
    let forged = others.clone().map(|signer| {
        (format!("signed by {signer}, who has a key of this id, too"), {
            Token { signer, header: Token::of(signer, "x").header, ..good.clone() }.sign()
        })
    });
    let signed = good.sign();
    let [_, payload, _] = parts(&signed);
    let spliced = others.map(|signer| {
        let other = Token::of(signer, "x").sign();
        let [header, _, signature] = parts(&other);
        (
            format!("with header and signature of a good token by {signer}"),
            format!("{header}.{payload}.{signature}"),
        )
    });
    [rows("J09", forged), rows("J20", spliced)].concat()
}

/// J13: a signature that is not complete, or not of these claims.
pub(super) fn stripped(good: &Token) -> Vec<Forgery> {
    let signed = good.sign();
    let [header, payload, signature] = parts(&signed);
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let with =
        |signature: &[u8]| format!("{header}.{payload}.{}", BASE64URL_NOPAD.encode(signature));
    let (half, whole) = (bytes.len() / 2, bytes.len());
    let mut flipped = bytes.clone();
    flipped[0] ^= 1;
    let other = good.clone().with("jti", "another").sign();
    rows(
        "J13",
        [
            ("an empty signature", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            ("one part", header.to_owned()),
            ("a signature cut by one byte", with(&bytes[..whole - 1])),
            ("half a signature", with(&bytes[..half])),
            ("a signature of one byte", with(&bytes[..1])),
            ("a signature and a byte more", with(&[&bytes[..], &[0]].concat())),
            ("a byte and then the signature", with(&[&[0], &bytes[..]].concat())),
            ("the signature twice", with(&[&bytes[..], &bytes[..]].concat())),
            ("one bit of the signature flipped", with(&flipped)),
            (
                "the signature of another of its tokens",
                format!("{header}.{payload}.{}", parts(&other)[2]),
            ),
            ("other claims", format!("{header}.{}.{signature}", parts(&other)[1])),
        ],
    )
}

/// J13: signatures that a careless verifier accepts for any message.
pub(super) fn degenerate(good: &Token) -> Vec<Forgery> {
    let signed = good.sign();
    let [header, payload, signature] = parts(&signed);
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let with =
        |signature: &[u8]| format!("{header}.{payload}.{}", BASE64URL_NOPAD.encode(signature));
    let mut one = vec![0; bytes.len()];
    *one.last_mut().unwrap() = 1;
    let mut found = vec![
        ("a signature of zeros", with(&vec![0; bytes.len()])),
        ("a signature of ones", with(&vec![0xff; bytes.len()])),
        ("the signature 1", with(&one)),
    ];
    if good.header.alg == Algorithm::ES256 {
        let pair = EcdsaKeyPair::from_pkcs8(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            signing_key(good.signer).as_bytes(),
        );
        let message = format!("{header}.{payload}");
        let asn1 =
            pair.unwrap().sign(&aws_lc_rs::rand::SystemRandom::new(), message.as_bytes()).unwrap();
        found.push(("a good signature in ASN.1", with(asn1.as_ref())));
        // CVE-2022-21449: r and s, each zero modulo the order of the curve.
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".repeat(2);
        found.push((
            "r and s the order",
            with(&data_encoding::HEXLOWER.decode(order.as_bytes()).unwrap()),
        ));
    }
    // A signature by the right key, of another text than the token's.
    let claims_alone =
        crypto::sign(payload.as_bytes(), signing_key(good.signer), good.header.alg).unwrap();
    found.push(("a signature of the claims alone", format!("{header}.{payload}.{claims_alone}")));
    rows("J13", found)
}
