//! Settings and metadata that do not fit.

use std::collections::BTreeSet;

use http::Uri;
use serde_json::{Value, json};

use super::{super::Preset, *};
use crate::{
    auth::{ClientSecret, IdTokenRules, IssuerRule},
    secret::Secret,
};

/// A client with this secret, and the defaults of everything else.
pub(in crate::oauth) fn client(secret: &str) -> ClientSettings {
    let rules = IdTokenRules {
        issuer: IssuerRule::Exactly("https://op.example.com".to_owned()),
        client_id: "shop".to_owned(),
        trusted_audiences: BTreeSet::new(),
        signatures: Signatures::PrivateKey(
            ["RS256", "ES256"].map(|name| name.parse().unwrap()).into(),
        ),
    };
    let oidc = OidcSettings {
        rules,
        metadata: Uri::from_static("https://op.example.com/.well-known/openid-configuration"),
        preset: None,
        auth_method: None,
        response_mode: None,
        email_verified_as: BTreeSet::new(),
        own_domains: BTreeSet::new(),
        events: None,
    };
    ClientSettings {
        client_id: "shop".to_owned(),
        client_secret: ClientSecret::Issued(Secret::new(secret.to_owned())),
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        redirect_uris: BTreeSet::new(),
        display_name: "OP".to_owned(),
        protocol: Protocol::Oidc(oidc),
        authorities: None,
        tokens: None,
    }
}

/// The same with another setting.
fn with(change: impl FnOnce(&mut OidcSettings)) -> ClientSettings {
    let mut client = client("secret");
    if let Protocol::Oidc(oidc) = &mut client.protocol {
        change(oidc);
    }
    client
}

fn by_secret() -> ClientSettings {
    let secret = Secret::new("x".repeat(32));
    with(|oidc| oidc.rules.signatures = Signatures::ClientSecret(secret))
}

/// A line for each misfit.
fn lines(client: &ClientSettings, mut metadata: Value) -> Vec<String> {
    metadata["issuer"] = json!("https://op.example.com");
    let metadata = serde_json::from_value(metadata).unwrap();
    let line = |Misfit { is_fatal, state, advice }| {
        format!("{}{state}. To do: {advice}", if is_fatal { "fatal: " } else { "" })
    };
    misfits(client, &metadata).into_iter().map(line).collect()
}

#[test]
fn metadata_that_say_nothing_or_all_that_is_needed_fit() {
    let plain = client("secret");
    assert_eq!(lines(&plain, json!({})), [""; 0]);
    let all = json!({
        "id_token_signing_alg_values_supported": ["HS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "scopes_supported": ["openid", "email", "profile", "phone"],
        "response_modes_supported": ["fragment", "query"],
        "response_types_supported": ["code", "code id_token"],
    });
    assert_eq!(lines(&plain, all), [""; 0]);
}

#[test]
fn algorithms_without_one_in_common_are_fatal() {
    let of = |client: &ClientSettings, algorithms: Value| {
        lines(client, json!({ "id_token_signing_alg_values_supported": algorithms }))
    };
    let plain = client("secret");
    insta::assert_snapshot!(of(&plain, json!(["EdDSA", "HS256", "none"])).join("\n"), @r#"fatal: signs ID tokens with EdDSA, HS256, none, and algorithms is RS256, ES256. To do: set algorithms = ["EdDSA"]"#);
    insta::assert_snapshot!(of(&plain, json!(["HS256"])).join("\n"), @r#"fatal: signs ID tokens with HS256, and algorithms is RS256, ES256. To do: register the client for RS256 or ES256 at the provider; if it can do nothing else, set algorithms = ["HS256"]"#);
    insta::assert_snapshot!(of(&plain, json!(["HS512", "ES512"])).join("\n"), @"fatal: signs ID tokens with HS512, ES512, and algorithms is RS256, ES256. To do: register the client for RS256 or ES256 at the provider: identity-link verifies none of these");
    // The list is another server's text.
    let long = of(&plain, json!(["a\n\u{1b}[2J".repeat(100)]));
    assert!(long[0].starts_with("fatal: signs ID tokens with a[2Ja[2J") && long[0].len() < 300);
    // LINE's metadata list ES256, and its web login signs with the secret.
    assert_eq!(of(&by_secret(), json!(["HS256"])), [""; 0]);
    insta::assert_snapshot!(of(&by_secret(), json!(["ES256"])).join("\n"), @r#"signs ID tokens with ES256, and algorithms is HS256. To do: set algorithms = ["ES256"], unless the provider's documents say that it signs this client's ID tokens with the secret"#);
}

#[test]
fn an_explicit_method_wins_and_without_one_there_must_be_one() {
    let of = |client: &ClientSettings, methods: Value| {
        lines(client, json!({ "token_endpoint_auth_methods_supported": methods })).join("\n")
    };
    let plain = client("secret");
    insta::assert_snapshot!(of(&plain, json!(["private_key_jwt"])), @"fatal: takes clients by private_key_jwt, and identity-link has a secret. To do: register the client for client_secret_basic or client_secret_post at the provider; if it takes one of them nevertheless, name it in token_endpoint_auth_method");
    let set = |method| with(|oidc| oidc.auth_method = Some(method));
    insta::assert_snapshot!(of(&set(AuthMethod::Post), json!(["private_key_jwt"])), @"takes clients by private_key_jwt. To do: take token_endpoint_auth_method out, unless the provider's documents name it");
    insta::assert_snapshot!(of(&set(AuthMethod::Post), Value::Null), @"lists no method for clients, which means client_secret_basic. To do: take token_endpoint_auth_method out, unless the provider's documents name it");
    assert_eq!(of(&set(AuthMethod::BasicRaw), json!(["client_secret_basic"])), "");
    // A secret that encoding changes, where there is no other way.
    let special = client("p+q/r==");
    insta::assert_snapshot!(of(&special, Value::Null), @r#"takes the client by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret. To do: set token_endpoint_auth_method: "client_secret_basic" if the provider decodes them, else "client_secret_basic_raw""#);
    assert_eq!(of(&special, json!(["client_secret_basic", "client_secret_post"])), "");
}

#[test]
fn scopes_response_modes_and_response_types_are_compared() {
    let plain = client("secret");
    insta::assert_snapshot!(lines(&plain, json!({"scopes_supported": ["openid"]})).join("\n"), @"does not list the scopes email, profile. To do: correct scopes, unless the provider's documents name them");
    insta::assert_snapshot!(lines(&plain, json!({"response_modes_supported": ["form_post"]})).join("\n"), @r#"sends browsers back by form_post, not by query. To do: set response_mode = "form_post""#);
    insta::assert_snapshot!(lines(&plain, json!({"response_modes_supported": []})).join("\n"), @"sends browsers back by nothing, not by query. To do: see whether the provider sends a code by query or form_post");
    let posted = with(|oidc| oidc.response_mode = Some(ResponseMode::FormPost));
    assert_eq!(lines(&posted, json!({"response_modes_supported": ["form_post"]})), [""; 0]);
    insta::assert_snapshot!(lines(&plain, json!({"response_types_supported": ["id_token"]})).join("\n"), @"responds with id_token, not with a code. To do: allow the client the authorization code flow at the provider");
}

/// The metadata of a provider whose preset is older than the provider.
#[test]
fn a_preset_that_no_longer_fits_is_reported() {
    let preset = |preset| with(|oidc| oidc.preset = Some(preset));
    let all = json!({
        "claims_supported": ["sub", "email", "email_verified"], "claims_parameter_supported": true,
        "userinfo_endpoint": "https://op.example.com/userinfo",
    });
    for known in [Preset::Twitch, Preset::Google, Preset::Okta, Preset::Orcid] {
        assert_eq!(lines(&preset(known), all.clone()), [""; 0]);
    }
    let less = json!({"claims_supported": ["sub", "email"], "claims_parameter_supported": false});
    insta::assert_snapshot!(lines(&preset(Preset::Twitch), less.clone()).join("\n"), @"
    no longer lists the claims email_verified, which the preset reads. To do: sign in once and look at the identity: the preset may be older than the provider; a newer version of identity-link may know it
    no longer takes the parameter claims, by which the preset requests the email. To do: sign in once and look at the identity: the preset may be older than the provider; a newer version of identity-link may know it
    has no userinfo_endpoint, from which the preset reads the email. To do: sign in once and look at the identity: the preset may be older than the provider; a newer version of identity-link may know it
    ");
    assert_eq!(lines(&preset(Preset::Orcid), less.clone()), [""; 0]);
    assert_eq!(lines(&client("secret"), less), [""; 0]);
}
