//! Writes the seeds that cannot be written by hand:
//! `cargo run -p identity-link-fuzz --example seeds`.

use std::{fs, path::Path};

use identity_link::grpc::proto as pb;
use identity_link_fuzz::Signer;
use prost::Message;
use prost_types::{FieldMask, ListValue, Struct, Value as PbValue, value::Kind};
use serde_json::{Value, json};

fn main() {
    tokens();
    metadata();
    requests();
}

fn seed(target: &str, name: &str, bytes: impl AsRef<[u8]>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target).join(name);
    fs::write(file, bytes).expect("a folder to write to");
}

fn tokens() {
    let person = json!({"iss": Signer::People.iss(), "sub": "115015401343387192604", "aud": "call",
        "iat": 1_767_225_600, "exp": 4_102_444_800_i64, "scope": "read:current_user delete:users"});
    let service = json!({"iss": Signer::Services.iss(), "sub": "backend", "aud": ["other", "call"],
        "iat": 1_767_225_600, "exp": 4_102_444_800_i64, "scope": "read:users update:users", "jti": "1"});
    let with = |claims: &Value, name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims.to_string()
    };
    let proof = json!({"aud": "prove", "email": "ann@example.com", "email_verified": true, "auth_time": 1_767_225_600});
    let mut proving = person.clone();
    proving.as_object_mut().expect("claims").extend(proof.as_object().expect("claims").clone());

    let (ed, ec) =
        (r#"{"alg":"EdDSA","kid":"1","typ":"JWT"}"#, r#"{"alg":"ES256","kid":"1","typ":"at+jwt"}"#);
    let plain = person.to_string();
    for (name, header, claims) in [
        ("person", ed, plain.clone()),
        ("person-without-kid-and-typ", r#"{"alg":"EdDSA"}"#, plain.clone()),
        ("proof", ed, proving.to_string()),
        ("service", ec, service.to_string()),
        ("expired", ed, with(&person, "exp", json!(1_767_225_601))),
        ("expires-at-a-fraction", ed, with(&person, "exp", json!(4_102_444_800.5))),
        ("not-yet", ed, with(&person, "nbf", json!(4_102_444_800_i64))),
        ("of-another-issuer", ed, with(&person, "iss", json!(Signer::Services.iss()))),
        (
            "of-two-issuers",
            ed,
            with(&person, "iss", json!([Signer::People.iss(), "https://other.example"])),
        ),
        ("for-another", ed, with(&person, "aud", json!("other"))),
        ("for-nobody", ed, with(&person, "aud", json!([]))),
        ("sub-is-a-number", ed, with(&person, "sub", json!(1))),
        ("sub-comes-twice", ed, plain.replacen('{', r#"{"sub":"somebody else","#, 1)),
        (
            "crit",
            r#"{"alg":"EdDSA","kid":"1","typ":"JWT","crit":["b64"],"b64":false}"#,
            plain.clone(),
        ),
        (
            "embedded-key",
            r#"{"alg":"EdDSA","typ":"JWT","jwk":{"kty":"oct","k":"AA"},"jku":"https://x"}"#,
            plain.clone(),
        ),
        ("signed-as-es256", r#"{"alg":"ES256","kid":"1","typ":"JWT"}"#, plain.clone()),
    ] {
        seed("token", name, format!("{header}\n{claims}"));
    }

    // Used as they are: what an attacker without a key can make of a good token.
    let good = Signer::People.sign(ed, &plain);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let (_, claims) = signed.split_once('.').expect("three parts");
    let header = |alg: &str| {
        data_encoding::BASE64URL_NOPAD.encode(format!(r#"{{"alg":"{alg}"}}"#).as_bytes())
    };
    seed("token", "as-it-stands", &good);
    seed("token", "as-it-stands-alg-none", format!("{}.{claims}.", header("none")));
    seed("token", "as-it-stands-alg-hs256", format!("{}.{claims}.{signature}", header("HS256")));
    seed("token", "as-it-stands-without-signature", format!("{signed}."));
    seed("token", "as-it-stands-encrypted", format!("{good}.{signature}.{signature}"));
}

fn metadata() {
    let both = |user: Value, app: Value| pb::GivenMetadata {
        user_metadata: object(user),
        app_metadata: object(app),
    };
    let sample = json!({"plan": "gold", "theme": {"dark": true, "font": {"size": 12}}, "tags": ["a", "b", "b"],
        "none": null, "a/b": 1, "~": {"": 0.5}});
    let other = json!({"plan": "free", "theme": {"font": {"size": 9, "face": "x"}}, "tags": ["b", "c"],
        "new": {"y": []}, "none": 0, "a/b": [], "~": {"": -0.0}});
    let deep = (1..16).fold(json!({}), |inner, _| json!({ "d": inner }));
    let wide = json!({"k": (0..200).collect::<Vec<_>>(), "text": "é".repeat(3000)});
    for (name, given) in [
        ("sample", both(sample.clone(), other)),
        ("same", both(sample.clone(), sample.clone())),
        ("onto-nothing", both(json!({}), sample)),
        ("deepest", both(deep.clone(), json!({"d": {"d": {"e": deep}}}))),
        ("wide", both(wide.clone(), wide)),
        (
            "numbers",
            both(json!({"n": 9_007_199_254_740_991_i64}), json!({"n": 1e-30, "m": -1.5e15})),
        ),
    ] {
        seed("metadata", name, given.encode_to_vec());
    }
}

fn requests() {
    use pb::{link_request, merge_metadata_request};
    let github =
        || Some(pb::IdentityRef { provider: "github".to_owned(), subject: "1".to_owned() });
    let metadata = || object(json!({"color": "red", "sizes": [1, {"b": null}]}));
    let merge = || Some(pb::MetadataMerge { strategy: 2, conflict: 3, arrays: 99 });
    let user_id = "google-oauth2|115015401343387192604".to_owned();
    let link = pb::LinkRequest {
        user_id: user_id.clone(),
        secondary: Some(link_request::Secondary::LinkWith("a.b.c".to_owned())),
        user_metadata: merge(),
        expected_version: Some(-1),
        ..Default::default()
    };
    let by_identity = github().map(link_request::Secondary::Identity);
    seed("request", "link", link.encode_to_vec());
    seed(
        "request",
        "link-by-identity",
        pb::LinkRequest { secondary: by_identity, ..link }.encode_to_vec(),
    );
    let unlink = pb::UnlinkRequest {
        user_id: user_id.clone(),
        identity: github(),
        metadata: 2,
        ..Default::default()
    };
    seed("request", "unlink", unlink.encode_to_vec());
    let find = pb::FindByEmailRequest {
        email: "Ann@BÜCHER.example".to_owned(),
        page_size: 101,
        ..Default::default()
    };
    seed("request", "find-by-email", find.encode_to_vec());
    let given = pb::GivenMetadata { user_metadata: metadata(), app_metadata: metadata() };
    let given = pb::MergeMetadataRequest {
        user_id: user_id.clone(),
        source: Some(merge_metadata_request::Source::Given(given)),
        app_metadata: merge(),
        ..Default::default()
    };
    let by_link =
        merge_metadata_request::Source::LinkId("0190163d-8694-739b-aea5-966c26f8ad91".to_owned());
    seed("request", "merge-given", given.encode_to_vec());
    seed(
        "request",
        "merge-by-link",
        pb::MergeMetadataRequest { source: Some(by_link), ..given }.encode_to_vec(),
    );
    let identity = pb::NewIdentity {
        identity_ref: github(),
        connection: "github\0".to_owned(),
        email: "ann@example.com".to_owned(),
        email_verified: true,
        profile_data: metadata(),
        ..Default::default()
    };
    let (user_metadata, app_metadata) = (metadata(), metadata());
    let create = pb::CreateUserRequest {
        identity: Some(identity),
        user_metadata,
        app_metadata,
        user_id_form: 2,
        ..Default::default()
    };
    seed("request", "create", create.encode_to_vec());
    let wrong = || {
        Some(Struct {
            fields: (0..40).map(|n| (format!("{n}{}", "é".repeat(100)), number(1e300))).collect(),
        })
    };
    let all_wrong = pb::CreateUserRequest {
        user_metadata: wrong(),
        app_metadata: wrong(),
        ..Default::default()
    };
    seed("request", "create-all-wrong", all_wrong.encode_to_vec());
    let infinite = Struct { fields: [("n".to_owned(), number(f64::INFINITY))].into() };
    let update = pb::UpdateUserRequest {
        user_id: user_id.clone(),
        update: Some(pb::UserUpdate { user_metadata: Some(infinite), ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["user_metadata".to_owned()] }),
        ..Default::default()
    };
    seed("request", "update", update.encode_to_vec());
    let resolve =
        pb::ResolveUsersRequest { user_ids: vec![user_id.clone(), "é".to_owned(), String::new()] };
    seed("request", "resolve", resolve.encode_to_vec());
    let primary =
        pb::SetPrimaryIdentityRequest { user_id, identity: github(), ..Default::default() };
    seed("request", "set-primary", primary.encode_to_vec());
}

fn object(json: Value) -> Option<Struct> {
    let Some(Kind::StructValue(object)) = value(json).kind else { panic!("not an object") };
    Some(object)
}

fn number(number: f64) -> PbValue {
    PbValue { kind: Some(Kind::NumberValue(number)) }
}

fn value(json: Value) -> PbValue {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(value) => return number(value.as_f64().expect("a double")),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(value).collect() })
        }
        Value::Object(map) => Kind::StructValue(Struct {
            fields: map.into_iter().map(|(key, json)| (key, value(json))).collect(),
        }),
    };
    PbValue { kind: Some(kind) }
}
