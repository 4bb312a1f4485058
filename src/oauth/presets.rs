//! Providers whose special behaviour is built in: what is special is data, in `facts.rs` for OpenID
//! Connect, and in `oauth_facts.rs` for OAuth 2.0 alone.

mod facts;
mod oauth_facts;

use std::collections::BTreeSet;

pub(super) use self::facts::facts_of;
pub(super) use self::oauth_facts::{EmailAt, Id, NextPage, Verified};
pub use self::{
    facts::{Facts, OfflineWay, SubjectRule},
    oauth_facts::{Codes, OAuthFacts, OAuthPreset, Revocation},
};
use super::{AuthMethod, ResponseMode};
use crate::{
    auth::{Claims, IssuerRule},
    domain::Subject,
};

/// A provider whose special behaviour is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Google.
    Google,
    /// GitLab, on gitlab.com or self-managed.
    GitLab,
    /// Microsoft Entra ID.
    Microsoft,
    /// Apple.
    Apple,
    /// Slack.
    Slack,
    /// Twitch.
    Twitch,
    /// LINE, for web logins.
    Line,
    /// A user pool of Amazon Cognito.
    Cognito,
    /// An organisation at Okta.
    Okta,
    /// A tenant at Auth0.
    Auth0,
    /// A realm of Keycloak.
    Keycloak,
    /// An organisation at Salesforce.
    Salesforce,
    /// An external tenant of Microsoft Entra.
    EntraExternalId,
    /// Yahoo.
    Yahoo,
    /// ORCID.
    Orcid,
}

impl Preset {
    /// All of them.
    const ALL: [Self; 15] = [
        Self::Google,
        Self::GitLab,
        Self::Microsoft,
        Self::Apple,
        Self::Slack,
        Self::Twitch,
        Self::Line,
        Self::Cognito,
        Self::Okta,
        Self::Auth0,
        Self::Keycloak,
        Self::Salesforce,
        Self::EntraExternalId,
        Self::Yahoo,
        Self::Orcid,
    ];

    /// Whether several organisations or the public have accounts at this issuer, as far as the
    /// presets know.
    pub fn is_shared(issuer: &str) -> bool {
        let issuer = issuer.trim_end_matches('/');
        let mut known = Self::ALL.iter().flat_map(|preset| {
            preset.facts().issuer.into_iter().chain(preset.facts().shared_issuers.iter().copied())
        });
        known.any(|shared| shared.trim_end_matches('/').eq_ignore_ascii_case(issuer))
    }

    /// The issuer of the provider's security event tokens, if that is another than `issuer`, the one of
    /// its ID tokens. Google's has a slash at its end, in `iss` and in subjects
    /// (<https://accounts.google.com/.well-known/risc-configuration>, read in 2026-12).
    pub fn event_issuer(self, issuer: &str) -> Option<String> {
        match self {
            Self::Google if issuer == "https://accounts.google.com" => Some(format!("{issuer}/")),
            Self::Google
            | Self::GitLab
            | Self::Microsoft
            | Self::Apple
            | Self::Slack
            | Self::Twitch
            | Self::Line
            | Self::Cognito
            | Self::Okta
            | Self::Auth0
            | Self::Keycloak
            | Self::Salesforce
            | Self::EntraExternalId
            | Self::Yahoo
            | Self::Orcid => None,
        }
    }

    /// The issuers of Microsoft's ID tokens: one directory, or for `common` and `organizations`
    /// each of `directories` (all, if it is empty).
    pub fn microsoft_issuer(
        base: &str,
        directory: &str,
        directories: BTreeSet<String>,
    ) -> IssuerRule {
        match directory {
            "common" | "organizations" => IssuerRule::PerDirectory {
                template: format!("{base}/{{tenantid}}/v2.0"),
                directories,
            },
            directory => IssuerRule::Exactly(format!("{base}/{directory}/v2.0")),
        }
    }
}

/// The account's subject, from `sub` and the other claims of the ID token; `None` if it is invalid.
pub(super) fn subject(preset: Option<Preset>, sub: &str, claims: &Claims) -> Option<Subject> {
    let joined = |outer: &str, inner: &str, is_part: &dyn Fn(&str) -> bool| {
        let (outer, inner) = (claims.text(outer)?, claims.text(inner)?);
        // A slash in the first could make two accounts one.
        (is_part(outer) && is_part(inner)).then(|| Subject::parse(&format!("{outer}/{inner}")))?
    };
    match facts_of(preset).subject {
        SubjectRule::Sub => Subject::parse(sub),
        SubjectRule::Within(outer, inner) => {
            joined(outer, inner, &|text| !text.is_empty() && !text.contains('/'))
        }
        SubjectRule::UuidWithinUuid(outer, inner) => joined(outer, inner, &|text| {
            uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
        }),
    }
}

/// Whether the claims assert that the provider verified their email. `texts` mean true, too.
pub(super) fn is_email_verified(
    preset: Option<Preset>,
    texts: &BTreeSet<String>,
    claims: &Claims,
) -> bool {
    claims.is_true_or(facts_of(preset).verified_by, texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    const OBJECT: &str = "690222be-ff1a-4d56-abd1-7e4f7d38e474";

    fn claims(json: &str) -> Claims {
        serde_json::from_str(json).unwrap()
    }

    /// A06: the administrator of a directory can set the claim `email` to any address.
    #[test]
    fn microsofts_email_counts_only_where_its_domain_was_verified() {
        for (edov, counts) in [
            (r#","xms_edov":true"#, true),
            (r#","xms_edov":"true""#, false),
            (r#","xms_edov":"1""#, false),
            (r#","xms_edov":1"#, false),
            (r#","xms_edov":false"#, false),
            (r#","xms_edov":null"#, false),
            ("", false),
        ] {
            let claims =
                claims(&format!(r#"{{"email":"a@example.com","email_verified":true{edov}}}"#));
            let is_verified = is_email_verified(Some(Preset::Microsoft), &BTreeSet::new(), &claims);
            assert_eq!(is_verified, counts, "{edov}");
        }
    }

    /// A06: an administrator of another organisation sets the emails of their accounts.
    #[test]
    fn an_issuer_of_several_organisations_is_shared() {
        for shared in [
            "https://accounts.google.com",
            "https://gitlab.com",
            "https://login.salesforce.com",
            "https://test.salesforce.com/",
            "https://LOGIN.salesforce.com",
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
            "https://login.microsoftonline.com/common/v2.0",
            "https://orcid.org",
        ] {
            assert!(Preset::is_shared(shared), "{shared}");
        }
        for own in [
            "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0",
            "https://acme.okta.com",
            "https://acme.my.salesforce.com",
            "https://gitlab.acme.example.com",
        ] {
            assert!(!Preset::is_shared(own), "{own}");
        }
    }

    #[test]
    fn microsofts_subject_is_the_object_in_its_directory() {
        let both = claims(&format!(r#"{{"tid":"{DIRECTORY}","oid":"{OBJECT}","sub":"pairwise"}}"#));
        let subject_of = |claims: &Claims| subject(Some(Preset::Microsoft), "pairwise", claims);
        assert_eq!(subject_of(&both).unwrap().as_str(), format!("{DIRECTORY}/{OBJECT}"));
        for bad in [
            format!(r#"{{"tid":"{DIRECTORY}"}}"#),
            format!(r#"{{"oid":"{OBJECT}"}}"#),
            format!(r#"{{"tid":"{DIRECTORY}/x","oid":"{OBJECT}"}}"#),
            format!(r#"{{"tid":"{DIRECTORY}","oid":7}}"#),
        ] {
            assert_eq!(subject_of(&claims(&bad)), None, "{bad}");
        }
    }

    #[test]
    fn slacks_subject_is_the_user_in_its_workspace() {
        let subject_of = |json: &str| {
            subject(Some(Preset::Slack), "U0R7JM", &claims(json)).map(|subject| subject.to_string())
        };
        let claim = |team: &str, user: &str| {
            format!(r#"{{"https://slack.com/team_id":{team},"https://slack.com/user_id":{user}}}"#)
        };
        assert_eq!(subject_of(&claim(r#""T1""#, r#""U1""#)).as_deref(), Some("T1/U1"));
        for (team, user) in [
            (r#""T1/U1""#, r#""U2""#),
            (r#""T1""#, r#""U1/U2""#),
            (r#""""#, r#""U1""#),
            (r#""T1""#, r#""""#),
            ("null", r#""U1""#),
            (r#""T1""#, "7"),
        ] {
            assert_eq!(subject_of(&claim(team, user)), None, "{team} {user}");
        }
        assert_eq!(subject_of("{}"), None);
    }
}
