//! What a sign-in refreshes on a known identity.

use super::*;

#[test]
fn a_repeated_claim_renews_only_what_is_old() {
    let known = ann("auto").identities.remove(0);
    let sent = |number, email: &str, profile: &str| {
        let mut account = account("auto", "ann-0", email);
        if let Some(verified) = account.email.as_mut().and_then(|email| email.verified.as_mut()) {
            verified.time = day(number);
        }
        UnownedIdentity {
            profile_data: Metadata::from_stored(serde_json::from_str(profile).unwrap()),
            ..account
        }
    };
    let policy = &policies()["auto"];
    let refreshed =
        |known: &Identity, sent: &UnownedIdentity| refreshed(known, sent, policy, day(40));
    let time = |identity: &Identity| {
        identity.email.as_ref().unwrap().verified.as_ref().map(|verified| verified.time)
    };
    assert_eq!(refreshed(&known, &sent(30, "!ann@example.com", "{}")), None);
    let renewed = refreshed(&known, &sent(31, "!ann@example.com", "{}")).unwrap();
    assert_eq!(time(&renewed), Some(day(31)));
    assert_eq!(
        (renewed.email_proven_since, renewed.email_changed),
        (Some(day(1)), false),
        "proven since the first verification"
    );
    assert_eq!(refreshed(&known, &sent(2, "", "{}")), None);
    let unverified = refreshed(&known, &sent(2, EMAIL, "{}")).unwrap();
    assert_eq!((time(&unverified), unverified.email_proven_since), (None, None));
    let moved = refreshed(&known, &sent(2, "!bob@example.com", "{}")).unwrap();
    assert_eq!(time(&moved), Some(day(2)));
    assert_eq!((moved.email_proven_since, moved.email_changed), (Some(day(40)), true));
    let back = refreshed(&moved, &sent(2, "!ann@example.com", "{}")).unwrap();
    assert!(back.email_changed, "the address has changed in between");
    let named = refreshed(&known, &sent(2, "", r#"{"name": "Ann", "updated_at": 1}"#)).unwrap();
    assert_eq!(refreshed(&named, &sent(2, "", r#"{"name": "Ann", "updated_at": 2}"#)), None);
    assert!(refreshed(&named, &sent(2, "", r#"{"name": "Anna", "updated_at": 2}"#)).is_some());
}

/// A70: the provider's claim is kept as given, and counts by the profile that is kept with it.
#[test]
fn a_claim_is_kept_whether_or_not_it_counts() {
    let untrusted = account("untrusted", "s", "!ann@example.com").email.unwrap();
    assert!(untrusted.verified.is_some() && !untrusted.is_verified());
    let no_address = account("auto", "s", "!nobody").email.unwrap();
    assert_eq!((no_address.verified, no_address.counts), (None, None));

    let trust = EmailTrust::AuthoritativeDomains { domains: Default::default(), hosted: true };
    let policy = ProviderPolicy { email_trust: trust, ..ProviderPolicy::default() };
    let sent = |profile: &str| {
        let profile_data = Metadata::from_stored(serde_json::from_str(profile).unwrap());
        judged(
            UnownedIdentity { profile_data, ..account("auto", "s", "!ann@example.com") },
            &policy,
        )
    };
    let hosted = sent(r#"{"hd": "example.com"}"#);
    let known = owned_identity(hosted.clone(), UserId::parse("ann").unwrap(), 0, day(1));
    assert!(hosted.email.unwrap().is_verified());
    assert!(!sent("{}").email.unwrap().is_verified());
    let no_longer = refreshed(&known, &sent("{}"), &policy, day(1)).unwrap();
    assert!(
        !no_longer.email.unwrap().is_verified(),
        "without its domain the email no longer counts"
    );
    let elsewhere = refreshed(&known, &sent(r#"{"hd": "example.org"}"#), &policy, day(1)).unwrap();
    assert!(!elsewhere.email.as_ref().unwrap().is_verified());
    let back = refreshed(&elsewhere, &sent(r#"{"hd": "example.com"}"#), &policy, day(2)).unwrap();
    assert_eq!(back.email_proven_since, Some(day(2)));
    assert!(
        proves_address(&elsewhere, &back),
        "the domain that makes the email count proves the address"
    );
}

/// A94: the word of an import is replaced by the first sign-in that repeats it, and counts from
/// then on, or since the import if it counted before.
#[test]
fn the_word_of_an_import_is_replaced_by_that_of_a_sign_in() {
    let sent = account("auto", "ann-0", "!ann@example.com");
    let policy = policies()["auto"].clone();
    let accepting = ProviderPolicy { imported_emails: true, ..policy.clone() };
    let never = ProviderPolicy { email_trust: EmailTrust::Never, ..policy.clone() };
    for (policy, counted, counts, since) in [
        (&policy, false, true, day(40)),
        (&accepting, true, true, day(1)),
        // It is the provider's word since the sign-in, also where that counts only later.
        (&never, false, false, day(40)),
    ] {
        let mut known = owned_identity(sent.clone(), UserId::parse("ann").unwrap(), 0, day(1));
        known.email_proven_since = Some(day(1));
        let email = known.email.as_mut().unwrap();
        email.verified.as_mut().unwrap().by = Verifier::Import;
        email.judge(policy, &Metadata::default());
        assert_eq!(email.is_verified(), counted);

        let fresh = refreshed(&known, &sent, policy, day(40)).unwrap();

        let email = fresh.email.as_ref().unwrap();
        assert_eq!(email.verified, sent.email.as_ref().unwrap().verified);
        assert_eq!((email.is_verified(), fresh.email_proven_since), (counts, Some(since)));
        assert_eq!(proves_address(&known, &fresh), counts && !counted);
        let unsent = account("auto", "ann-0", "");
        assert_eq!(refreshed(&known, &unsent, policy, day(40)), None, "no email was sent");
    }
}

#[test]
fn an_address_is_proven_by_what_makes_it_so_and_by_a_trusted_provider() {
    let sent = |provider, email| account(provider, "ann-0", email);
    for (provider, before, after, proves) in [
        ("auto", EMAIL, "!ann@example.com", true),
        ("auto", "!bob@example.com", "!ann@example.com", true),
        ("auto", "", "!ann@example.com", true),
        ("auto", "!ann@example.com", "!ann@example.com", false),
        ("auto", "!ann@example.com", EMAIL, false),
        ("untrusted", EMAIL, "!ann@example.com", false),
    ] {
        let before =
            owned_identity(sent(provider, before), UserId::parse("ann").unwrap(), 0, day(1));
        let policy = &policies()[provider];
        let after = refreshed(&before, &sent(provider, after), policy, day(9))
            .unwrap_or_else(|| before.clone());
        assert_eq!(proves_address(&before, &after), proves, "{before:?} {after:?}");
    }
}
