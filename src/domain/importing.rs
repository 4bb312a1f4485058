//! The identities of an imported user: what the claims of a file become here.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    EmailVerification, Identity, IdentityEmail, Metadata, ProviderPolicies, ProviderPolicy, User,
    Verifier,
};

/// The identities of an imported user in the state in which they are stored, in the order of
/// `user.identities`; all but their profiles, which stay as they are. The result has empty ones.
///
/// A verified email is the word of the source, from the time of the import on. Each account was the
/// user's before that: so an account that has not proven the email counts as older than its proof,
/// as long as its own word does not count either.
pub fn imported_identities(
    user: &User,
    policies: &ProviderPolicies,
    now: DateTime<Utc>,
) -> Vec<Identity> {
    let before = now - TimeDelta::microseconds(1);
    let identities: Vec<Identity> = (0..)
        .zip(&user.identities)
        .map(|(ordinal, identity)| {
            let email = identity.email.as_ref().map(|email| {
                let policy = policies.for_provider(&identity.id.provider);
                imported_email(email, &identity.profile_data, policy)
            });
            let claim = email.as_ref().and_then(|email| email.verified.as_ref());
            Identity {
                id: identity.id.clone(),
                origin: user.id.clone(),
                ordinal,
                connection: identity.connection.clone(),
                social: identity.social,
                email_proven_since: claim.map(|_| now),
                email,
                profile_data: Metadata::default(),
                attach_time: identity.attach_time.min(before),
                attached_by: None,
                moved: None,
                email_proven_among: false,
                email_changed: false,
                tokens_valid_from: None,
            }
        })
        .collect();
    identities.iter().map(|identity| identity.clone().among(&identities)).collect()
}

/// The email with the source's word as its verification, judged by the policy.
fn imported_email(
    email: &IdentityEmail,
    profile: &Metadata,
    policy: &ProviderPolicy,
) -> IdentityEmail {
    let claim = email.verified.as_ref().filter(|_| email.canonical.is_some());
    let verified = claim.map(|claim| EmailVerification { time: claim.time, by: Verifier::Import });
    let mut email = IdentityEmail { verified, ..email.clone() };
    email.judge(policy, profile);
    email
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        EmailTrust, IdentityRef, Provider, Undeclared, UserId, unlinking::new_user,
    };

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn identity(id: &str, email: &str, verified: bool) -> Identity {
        let by = Verifier::Issuer("https://issuer.example.com".to_owned());
        let verified = verified.then(|| EmailVerification { time: day(1), by });
        Identity {
            id: IdentityRef::parse_joined(id).unwrap(),
            origin: UserId::parse("another").unwrap(),
            ordinal: 7,
            connection: "c".to_owned(),
            social: true,
            email: IdentityEmail::claimed(email, verified),
            profile_data: Metadata::default(),
            attach_time: day(20),
            attached_by: None,
            moved: None,
            email_proven_since: None,
            email_proven_among: true,
            email_changed: true,
            tokens_valid_from: None,
        }
    }

    fn user(identities: Vec<Identity>) -> User {
        let first = new_user(UserId::parse("ann").unwrap(), &identities[0], day(1));
        User { identities, ..first }
    }

    fn policies(imported_emails: bool) -> ProviderPolicies {
        let trusted = ProviderPolicy {
            email_trust: EmailTrust::WhenVerified,
            imported_emails,
            ..ProviderPolicy::PLAIN
        };
        let declared = [(Provider::parse("trusted").unwrap(), trusted)].into();
        ProviderPolicies { declared, undeclared: Undeclared::Allow }
    }

    #[test]
    fn a_verified_email_is_the_word_of_the_import_since_the_import() {
        let ann = user(vec![
            identity("trusted|1", "ann@example.com", true),
            identity("trusted|2", "ann@example.com", false),
            identity("trusted|3", "no address", true),
        ]);
        let stored = imported_identities(&ann, &policies(true), day(9));
        let claimed = |identity: &Identity| {
            let by = identity.email.as_ref().and_then(|email| email.verified.clone());
            (by.map(|by| (by.time, by.by)), identity.email_proven_since)
        };
        assert_eq!(claimed(&stored[0]), (Some((day(1), Verifier::Import)), Some(day(9))));
        assert_eq!(claimed(&stored[1]), (None, None));
        assert_eq!(claimed(&stored[2]), (None, None));
        assert_eq!(stored.iter().map(|of| of.ordinal).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(stored.iter().all(|of| of.origin == ann.id && !of.email_changed));
        assert!(stored.iter().all(|of| of.attach_time < day(9)), "before its email was proven");
    }

    #[test]
    fn an_account_whose_word_does_not_count_is_older_than_the_proof_of_another() {
        let ann = user(vec![
            identity("trusted|1", "ann@example.com", true),
            identity("elsewhere|2", "ann@example.com", true),
        ]);
        for (accepted, among) in [(true, true), (false, false)] {
            let stored = imported_identities(&ann, &policies(accepted), day(9));
            assert_eq!(stored[0].email_proven_among, among);
            assert!(stored[1].came_before_proof(&stored[0]), "also after the policy has changed");
        }
        let both = user(vec![
            identity("trusted|1", "ann@example.com", true),
            identity("trusted|2", "ann@example.com", true),
        ]);
        let stored = imported_identities(&both, &policies(true), day(9));
        assert!(stored.iter().all(|of| !of.email_proven_among));
    }
}
