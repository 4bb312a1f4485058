//! What is special about widely used providers.

use std::collections::BTreeSet;

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
}

impl Preset {
    /// The provider's name on a login page.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::GitLab => "GitLab",
            Self::Microsoft => "Microsoft",
        }
    }

    /// The provider's issuer; for Microsoft, the part with which all its issuers begin.
    pub fn issuer(self) -> &'static str {
        match self {
            Self::Google => "https://accounts.google.com",
            Self::GitLab => "https://gitlab.com",
            Self::Microsoft => "https://login.microsoftonline.com",
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
    match preset {
        // Microsoft's `sub` differs from client to client. The object id in its directory names the
        // person everywhere.
        Some(Preset::Microsoft) => {
            let (directory, object) = (claims.text("tid")?, claims.text("oid")?);
            let is_id = |text: &str| {
                uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
            };
            (is_id(directory) && is_id(object))
                .then(|| Subject::parse(&format!("{directory}/{object}")))?
        }
        Some(Preset::Google | Preset::GitLab) | None => Subject::parse(sub),
    }
}

/// Whether the claims assert that the provider verified their email.
pub(super) fn is_email_verified(preset: Option<Preset>, claims: &Claims) -> bool {
    match preset {
        // Each administrator of a directory can set `email`; `xms_edov` asserts that the directory
        // owns its domain.
        Some(Preset::Microsoft) => claims.is_true("xms_edov"),
        Some(Preset::Google | Preset::GitLab) | None => claims.is_true("email_verified"),
    }
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
            assert_eq!(is_email_verified(Some(Preset::Microsoft), &claims), counts, "{edov}");
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
}
