//! Whether the settings of a client fit its provider's metadata. What does not is reported before a
//! person signs in, with the setting to change.

use super::{
    AuthMethod, ClientSettings, OidcSettings, Protocol, ResponseMode,
    client_auth::{encoding_changes, takes},
    presets::facts_of,
};
use crate::auth::{Signatures, discovery::IssuerMetadata, id_tokens::is_asymmetric};

/// How many items of a list of the metadata an error text repeats.
const MAX_ITEMS: usize = 10;
/// What to do if a preset and its provider differ.
const DIFFERS: &str = "sign in once and look at the identity: the preset may be older than the provider; a newer \
                       version of identity-link may know it";
/// The longest such item, in characters.
const MAX_ITEM: usize = 40;

/// A setting that does not fit the provider's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Whether no sign-in can succeed, so that none is started. Otherwise the metadata may be
    /// incomplete.
    pub is_fatal: bool,
    /// What differs.
    pub state: String,
    /// What the operator should do.
    pub advice: String,
}

/// Compares the settings of a client with its provider's metadata. OAuth 2.0 alone has none.
pub(super) fn misfits(settings: &ClientSettings, metadata: &IssuerMetadata) -> Vec<Misfit> {
    let Protocol::Oidc(oidc) = &settings.protocol else { return Vec::new() };
    let found = [
        of_algorithms(oidc, metadata),
        of_authentication(settings, oidc, metadata),
        of_scopes(settings, oidc, metadata),
        of_response_mode(oidc, metadata),
        of_response_types(metadata),
        of_preset_claims(oidc, metadata),
        of_claims_parameter(oidc, metadata),
        of_userinfo(oidc, metadata),
    ];
    found.into_iter().flatten().collect()
}

fn of_algorithms(oidc: &OidcSettings, metadata: &IssuerMetadata) -> Option<Misfit> {
    let listed = metadata.id_token_signing_alg_values_supported.as_deref()?;
    let ours = oidc.rules.signatures.names();
    let asymmetric = listed.iter().filter(|name| is_asymmetric(name));
    let settable: Vec<String> = asymmetric.map(|name| format!("\"{name}\"")).collect();
    if let Signatures::ClientSecret(_) = oidc.rules.signatures {
        // A provider may sign for some clients otherwise than its metadata say.
        let is_known = facts_of(oidc.preset).algorithms == ["HS256"];
        return (!settable.is_empty() && !is_known).then(|| Misfit {
            is_fatal: false,
            state: format!("signs ID tokens with {}, and algorithms is HS256", shown(listed)),
            advice: format!(
                "set algorithms = [{}], unless the provider's documents say that it signs this client's ID tokens with \
                 the secret",
                settable.join(", ")
            ),
        });
    }
    if listed.iter().any(|name| ours.contains(name)) {
        return None;
    }
    let advice = if !settable.is_empty() {
        format!("set algorithms = [{}]", settable.join(", "))
    } else if listed.iter().any(|name| name == "HS256") {
        "register the client for RS256 or ES256 at the provider; if it can do nothing else, set algorithms = [\"HS256\"]"
            .to_owned()
    } else {
        "register the client for RS256 or ES256 at the provider: identity-link verifies none of these".to_owned()
    };
    let state =
        format!("signs ID tokens with {}, and algorithms is {}", shown(listed), ours.join(", "));
    Some(Misfit { is_fatal: true, state, advice })
}

fn of_authentication(
    settings: &ClientSettings,
    oidc: &OidcSettings,
    metadata: &IssuerMetadata,
) -> Option<Misfit> {
    let listed = metadata.token_endpoint_auth_methods_supported.as_deref();
    let takes = |method| takes(listed, method);
    let all = || shown(listed.unwrap_or_default());
    match oidc.auth_method {
        Some(method) if !takes(method) => Some(Misfit {
            is_fatal: false,
            state: match listed {
                Some(_) => format!("takes clients by {}", all()),
                None => "lists no method for clients, which means client_secret_basic".to_owned(),
            },
            advice: "take token_endpoint_auth_method out, unless the provider's documents name it".to_owned(),
        }),
        None if !takes(AuthMethod::Basic) && !takes(AuthMethod::Post) => Some(Misfit {
            is_fatal: true,
            state: format!("takes clients by {}, and identity-link has a secret", all()),
            advice: "register the client for client_secret_basic or client_secret_post at the provider; if it takes one \
                     of them nevertheless, name it in token_endpoint_auth_method"
                .to_owned(),
        }),
        None if encoding_changes(settings) && !takes(AuthMethod::Post) => Some(Misfit {
            is_fatal: false,
            state: "takes the client by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret"
                .to_owned(),
            advice: "set token_endpoint_auth_method: \"client_secret_basic\" if the provider decodes them, else \
                     \"client_secret_basic_raw\""
                .to_owned(),
        }),
        _ => None,
    }
}

fn of_scopes(
    settings: &ClientSettings,
    oidc: &OidcSettings,
    metadata: &IssuerMetadata,
) -> Option<Misfit> {
    let listed = metadata.scopes_supported.as_deref()?;
    // The scopes of a preset are from its provider's documents, if not in its metadata.
    let known = oidc.preset.map(|preset| preset.facts().scopes).unwrap_or_default();
    let is_known = |scope: &String| listed.contains(scope) || known.contains(&scope.as_str());
    let unknown: Vec<String> =
        settings.scopes.iter().filter(|scope| !is_known(scope)).cloned().collect();
    (!unknown.is_empty()).then(|| Misfit {
        is_fatal: false,
        state: format!("does not list the scopes {}", shown(&unknown)),
        advice: "correct scopes, unless the provider's documents name them".to_owned(),
    })
}

fn of_response_mode(oidc: &OidcSettings, metadata: &IssuerMetadata) -> Option<Misfit> {
    let listed = metadata.response_modes_supported.as_deref()?;
    let lists = |mode: ResponseMode| listed.iter().any(|name| name == mode.name());
    let ours = oidc.response_mode.unwrap_or(ResponseMode::Query);
    if lists(ours) {
        return None;
    }
    let others =
        [ResponseMode::Query, ResponseMode::FormPost].into_iter().find(|mode| lists(*mode));
    let advice = match others {
        Some(mode) => format!("set response_mode = \"{}\"", mode.name()),
        None => "see whether the provider sends a code by query or form_post".to_owned(),
    };
    let state = format!("sends browsers back by {}, not by {}", shown(listed), ours.name());
    Some(Misfit { is_fatal: false, state, advice })
}

fn of_response_types(metadata: &IssuerMetadata) -> Option<Misfit> {
    let listed = metadata.response_types_supported.as_deref()?;
    (!listed.iter().any(|name| name == "code")).then(|| Misfit {
        is_fatal: false,
        state: format!("responds with {}, not with a code", shown(listed)),
        advice: "allow the client the authorization code flow at the provider".to_owned(),
    })
}

/// A preset names the claims that its provider listed when it was written.
fn of_preset_claims(oidc: &OidcSettings, metadata: &IssuerMetadata) -> Option<Misfit> {
    let listed = metadata.claims_supported.as_deref()?;
    let expected = facts_of(oidc.preset).listed_claims;
    let gone: Vec<String> = expected
        .iter()
        .filter(|claim| !listed.iter().any(|name| name == *claim))
        .map(|claim| (*claim).to_owned())
        .collect();
    (!gone.is_empty()).then(|| Misfit {
        is_fatal: false,
        state: format!("no longer lists the claims {}, which the preset reads", shown(&gone)),
        advice: DIFFERS.to_owned(),
    })
}

fn of_claims_parameter(oidc: &OidcSettings, metadata: &IssuerMetadata) -> Option<Misfit> {
    let is_refused = metadata.claims_parameter_supported == Some(false);
    (is_refused && facts_of(oidc.preset).claims.is_some()).then(|| Misfit {
        is_fatal: false,
        state: "no longer takes the parameter claims, by which the preset requests the email"
            .to_owned(),
        advice: DIFFERS.to_owned(),
    })
}

fn of_userinfo(oidc: &OidcSettings, metadata: &IssuerMetadata) -> Option<Misfit> {
    let reads = oidc.preset.is_some_and(|preset| preset.facts().has_userinfo);
    (reads && metadata.userinfo_endpoint.is_none()).then(|| Misfit {
        is_fatal: false,
        state: "has no userinfo_endpoint, from which the preset reads the email".to_owned(),
        advice: DIFFERS.to_owned(),
    })
}

/// The items of a list of the metadata, bounded. Only printable characters are repeated.
fn shown(list: &[String]) -> String {
    if list.is_empty() {
        return "nothing".to_owned();
    }
    let item = |text: &String| -> String {
        text.chars().filter(char::is_ascii_graphic).take(MAX_ITEM).collect()
    };
    let mut items: Vec<String> = list.iter().take(MAX_ITEMS).map(item).collect();
    if list.len() > MAX_ITEMS {
        items.push("…".to_owned());
    }
    items.join(", ")
}

#[cfg(test)]
pub(super) mod tests;
