//! The table of sign-in rules, row by row, and properties that hold for all facts.

use std::{collections::BTreeMap, slice};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{
    prelude::{any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest},
    strategy::{Just, Strategy},
};

use super::*;
use crate::domain::{
    EmailTrust, Metadata, Moved, Provider, Subject, Verifier, linking::owned_identity,
    unlinking::new_user,
};

const EMAIL: &str = "ann@example.com";

/// The policies of these providers: which are trusted with emails, and how they link.
fn policies() -> BTreeMap<&'static str, ProviderPolicy> {
    use LinkingPolicy::{Automatic, Off, Suggest};
    let policy =
        |email_trust, linking| ProviderPolicy { email_trust, linking, ..ProviderPolicy::default() };
    let trusted = |linking| policy(EmailTrust::WhenVerified, linking);
    BTreeMap::from([
        ("auto", trusted(Automatic)),
        ("auto2", trusted(Automatic)),
        ("suggests", trusted(Suggest)),
        ("off", trusted(Off)),
        ("untrusted", policy(EmailTrust::Never, Automatic)),
        ("undeclared", ProviderPolicy::UNDECLARED),
        ("disabled", ProviderPolicy { enabled: false, ..trusted(Automatic) }),
        ("linkonly", ProviderPolicy { link_only: true, ..trusted(Automatic) }),
        ("wants-any", ProviderPolicy { required_email: RequiredEmail::Any, ..trusted(Automatic) }),
        (
            "wants-verified",
            ProviderPolicy { required_email: RequiredEmail::Verified, ..trusted(Automatic) },
        ),
    ])
}

fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(number)
}

/// An account. A `!` at the start of its email marks it as verified.
fn account(provider: &str, subject: &str, email: &str) -> UnownedIdentity {
    let (given, is_verified) =
        email.strip_prefix('!').map_or((email, false), |email| (email, true));
    let verified = EmailVerification { time: day(1), by: Verifier::Issuer(provider.to_owned()) };
    let account = UnownedIdentity {
        id: IdentityRef {
            provider: Provider::parse(provider).unwrap(),
            subject: Subject::parse(subject).unwrap(),
        },
        connection: provider.to_owned(),
        social: false,
        email: IdentityEmail::claimed(given, is_verified.then_some(verified)),
        profile_data: Metadata::default(),
        signed_in_at: None,
    };
    judged(account, &policies()[provider])
}

/// A user with these accounts, given as providers and emails.
fn user(id: &str, accounts: &[(&str, &str)]) -> User {
    let origin = UserId::parse(id).unwrap();
    let identities = accounts.iter().enumerate().map(|(at, (provider, email))| {
        owned_identity(account(provider, &format!("{id}-{at}"), email), origin.clone(), 0, day(1))
    });
    let identities: Vec<Identity> = identities.collect();
    User { identities: identities.clone(), ..new_user(origin, &identities[0], day(1)) }
}

/// The same user, its emails verified on that day.
fn since(mut user: User, number: i64) -> User {
    for verified in user.identities.iter_mut().filter_map(|of| of.email.as_mut()?.verified.as_mut())
    {
        verified.time = day(number);
    }
    user
}

fn blocked(user: User) -> User {
    User { blocked: true, ..user }
}

fn decide(
    account: &UnownedIdentity,
    owner: Option<&User>,
    holders: &[User],
    was_deleted: bool,
) -> Result<Decision, DomainError> {
    decide_after(account, owner, holders, &AccountHistory { was_deleted, released_by: Vec::new() })
}

fn decide_after(
    account: &UnownedIdentity,
    owner: Option<&User>,
    holders: &[User],
    history: &AccountHistory,
) -> Result<Decision, DomainError> {
    let policy = &policies()[account.id.provider.as_str()];
    SignInFacts { account, owner, holders, history, now: day(100), policy }.decide()
}

/// The decision on an account that these users released before.
fn released(
    holders: &[User],
    released_by: &[&str],
    was_deleted: bool,
) -> Result<Decision, DomainError> {
    let released_by = released_by.iter().map(|id| UserId::parse(id).unwrap()).collect();
    let history = AccountHistory { was_deleted, released_by };
    decide_after(&account("auto", "new", "!ann@example.com"), None, holders, &history)
}

/// The decision, or its refusal, as one text: outcome, the users that it names, and the rule.
fn summary(decision: Result<Decision, DomainError>) -> String {
    match decision {
        Err(refusal) => format!("{refusal:?}"),
        Ok(Decision { outcome, rule, .. }) => match outcome {
            SignInOutcome::SignedIn(id) => format!("signed in {id}: {rule:?}"),
            SignInOutcome::Created => format!("created: {rule:?}"),
            SignInOutcome::Linked(id) => format!("linked {id}: {rule:?}"),
            SignInOutcome::Candidates(who) => {
                let who: Vec<String> =
                    who.iter().map(|candidate| candidate.user.to_string()).collect();
                format!("candidates {}: {rule:?}", who.join(" "))
            }
            SignInOutcome::RegistrationNeeded => format!("registration needed: {rule:?}"),
        },
    }
}

/// The decision on a new account with the verified email, among these users.
fn newcomer(provider: &str, holders: &[User]) -> String {
    summary(newcomer_decision(provider, holders))
}

fn newcomer_decision(provider: &str, holders: &[User]) -> Result<Decision, DomainError> {
    decide(&account(provider, "new", &format!("!{EMAIL}")), None, holders, false)
}

fn ann(provider: &str) -> User {
    user("ann", &[(provider, "!ann@example.com")])
}

#[test]
fn the_first_rows_are_about_the_account_itself() {
    let (ann, blocked) = (ann("auto"), blocked(ann("auto")));
    let of =
        |provider, email, owner| summary(decide(&account(provider, "s", email), owner, &[], false));
    assert_eq!(of("undeclared", "", Some(&ann)), "ProviderUnknown", "A72");
    assert_eq!(of("undeclared", "", None), "ProviderUnknown", "A72");
    assert_eq!(of("disabled", "", Some(&ann)), "ProviderDisabled", "A28");
    assert_eq!(of("disabled", "", None), "ProviderDisabled");
    assert_eq!(of("linkonly", "", Some(&ann)), "ProviderDisabled", "A28");
    assert_eq!(of("linkonly", "", None), "ProviderDisabled");
    assert_eq!(of("auto", "", Some(&blocked)), "UserBlocked");
    for email in ["", "!ann@example.com", "!mallory@example.com"] {
        assert_eq!(of("wants-verified", email, Some(&ann)), "signed in ann: IdentityKnown", "A08");
    }
}

#[test]
fn an_email_that_is_required_is_required_of_newcomers() {
    let of = |provider, email| summary(decide(&account(provider, "s", email), None, &[], false));
    for (email, by_all, by_some, by_most) in [
        ("", "created: EmailMissing", "EmailMissing", "EmailMissing"),
        ("no address", "created: EmailMissing", "EmailMissing", "EmailMissing"),
        (EMAIL, "created: EmailUnverified", "created: EmailUnverified", "EmailUnverified"),
        (
            "!ann@example.com",
            "created: EmailUnclaimed",
            "created: EmailUnclaimed",
            "created: EmailUnclaimed",
        ),
    ] {
        assert_eq!(of("auto", email), by_all);
        assert_eq!(of("wants-any", email), by_some);
        assert_eq!(of("wants-verified", email), by_most);
    }
}

#[test]
fn an_unproven_email_on_either_side_links_nothing() {
    let created = "created: EmailUnverifiedOnOtherUsers";
    assert_eq!(newcomer("auto", &[user("ann", &[("auto2", EMAIL)])]), created, "A01");
    assert_eq!(newcomer("auto", &[ann("untrusted")]), created, "A05");
    assert_eq!(newcomer("auto", &[ann("disabled")]), created, "A28");
    assert_eq!(newcomer("auto", &[ann("undeclared")]), created, "A72");
    assert_eq!(
        newcomer("auto", &[user("ann", &[("auto2", "!bob@example.com")])]),
        "created: EmailUnclaimed"
    );
    let unverified = account("auto", "new", EMAIL);
    assert_eq!(
        summary(decide(&unverified, None, &[ann("auto2")], false)),
        "created: EmailUnverified",
        "A14"
    );
    assert_eq!(newcomer("untrusted", &[ann("auto2")]), "created: EmailUnverified", "A05");
    // A user with an unverified address does not affect the user that owns the address.
    let squatters = [
        ann("auto2"),
        user("m1", &[("auto2", EMAIL)]),
        user("m2", &[("untrusted", "!ann@example.com")]),
    ];
    assert_eq!(newcomer("auto", &squatters), "linked ann: EmailVerifiedOnBothSides", "A43");
}

#[test]
fn either_side_can_close_the_way() {
    assert_eq!(newcomer("off", &[ann("auto2")]), "created: LinkingOff");
    assert_eq!(newcomer("auto", &[ann("off")]), "created: LinkingOff");
    assert_eq!(newcomer("suggests", &[ann("auto2")]), "candidates ann: LinkingSuggested");
    assert_eq!(newcomer("auto", &[ann("suggests")]), "candidates ann: LinkingSuggested");
    assert_eq!(newcomer("auto", &[ann("auto2")]), "linked ann: EmailVerifiedOnBothSides");
    // Of the accounts that have the email, the most restrictive policy decides.
    let both = user("ann", &[("auto2", "!ann@example.com"), ("off", "!ann@example.com")]);
    assert_eq!(newcomer("auto", &[both]), "created: LinkingOff");
    let elsewhere = user("ann", &[("auto2", "!ann@example.com"), ("off", "!work@example.com")]);
    assert_eq!(newcomer("auto", &[elsewhere]), "linked ann: EmailVerifiedOnBothSides");
}

#[test]
fn what_is_doubtful_is_asked() {
    assert_eq!(newcomer("auto", &[ann("auto")]), "candidates ann: ProviderAlreadyLinked", "A10");
    let account = account("auto", "new", "!ann@example.com");
    assert_eq!(
        summary(decide(&account, None, &[ann("auto2")], true)),
        "candidates ann: DeletedBefore"
    );
    let two = [ann("auto2"), user("ben", &[("auto2", "!ann@example.com")])];
    assert_eq!(newcomer("auto", &two), "candidates ann ben: SeveralUsers");
    assert_eq!(summary(decide(&account, None, &two, true)), "candidates ann ben: SeveralUsers");
    let closed = [ann("auto2"), user("ben", &[("off", "!ann@example.com")])];
    assert_eq!(newcomer("auto", &closed), "candidates ann: SeveralUsers");
}

/// A10: an address may be another person's by now.
#[test]
fn what_was_proven_long_ago_is_asked() {
    for (proven, summary) in [
        (-81, "candidates ann: EmailVerifiedLongAgo"),
        (-80, "linked ann: EmailVerifiedOnBothSides"),
        (99, "linked ann: EmailVerifiedOnBothSides"),
    ] {
        assert_eq!(newcomer("auto", &[since(ann("auto2"), proven)]), summary, "{proven}");
    }
}

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

/// A60, A03: accounts of a user that has the email, each with the day on which it was added, and
/// the day on which it proved the email; `None` if it did not.
fn joined(accounts: &[(&str, i64, Option<i64>)]) -> User {
    let emails: Vec<_> = accounts
        .iter()
        .map(|(provider, _, proven)| (*provider, proven.map_or("", |_| "!ann@example.com")))
        .collect();
    let mut ann = user("ann", &emails);
    for (identity, (_, came, proven)) in ann.identities.iter_mut().zip(accounts) {
        (identity.attach_time, identity.email_proven_since) = (day(*came), proven.map(day));
    }
    ann
}

#[test]
fn what_was_there_before_the_email_was_proven_is_not_vouched_for_by_it() {
    let linked = "linked ann: EmailVerifiedOnBothSides";
    let asked = "candidates ann: AccountOlderThanEmail";
    for (accounts, expected) in [
        // It is its own proof, however late.
        (vec![("auto2", 1, Some(9))], linked),
        (vec![("auto2", 1, Some(1)), ("wants-any", 2, None)], linked),
        (vec![("wants-any", 1, None), ("auto2", 2, Some(2))], asked),
        (vec![("auto2", 1, Some(9)), ("wants-any", 5, None)], asked),
        // An account that proves the email too is another proof, and the first proof counts.
        (vec![("wants-any", 1, Some(5)), ("auto2", 2, Some(2))], linked),
        (vec![("wants-any", 1, Some(1)), ("linkonly", 3, None), ("auto2", 5, Some(5))], linked),
        // An account whose provider is not trusted with the email has not proven it.
        (vec![("untrusted", 1, Some(1)), ("auto2", 2, Some(2))], asked),
    ] {
        assert_eq!(newcomer("auto", &[joined(&accounts)]), expected, "{accounts:?}");
    }
}

#[test]
fn accounts_that_came_together_keep_the_order_that_they_had() {
    let moved = Some(Moved::at(day(20)));
    let mut ann =
        joined(&[("wants-any", 1, None), ("auto2", 2, Some(9)), ("wants-verified", 2, None)]);
    ann.identities.iter_mut().skip(1).for_each(|identity| identity.moved = moved);
    assert_eq!(newcomer("auto", &[ann.clone()]), "candidates ann: AccountOlderThanEmail");
    ann.identities.remove(0);
    assert_eq!(
        newcomer("auto", &[ann.clone()]),
        "candidates ann: AccountOlderThanEmail",
        "day 2 is before day 9"
    );
    ann.identities[0].email_proven_since = Some(day(1));
    assert_eq!(newcomer("auto", &[ann.clone()]), "linked ann: EmailVerifiedOnBothSides");
    ann.identities[1].origin = UserId::parse("another").unwrap();
    assert_eq!(
        newcomer("auto", &[ann]),
        "candidates ann: AccountOlderThanEmail",
        "which came first is not known"
    );
}

/// A04: the person that had the account may have had the owner of the address confirm it.
#[test]
fn an_address_to_which_an_account_changed_links_no_user() {
    let mut ann = ann("auto2");
    ann.identities[0].email_changed = true;
    assert_eq!(newcomer("auto", slice::from_ref(&ann)), "candidates ann: EmailChanged");
    ann.identities.extend(user("x", &[("wants-any", "!ann@example.com")]).identities);
    assert_eq!(
        newcomer("auto", &[ann]),
        "linked ann: EmailVerifiedOnBothSides",
        "another account has it as well"
    );
}

/// A81: an email never leads back to the user that released the account; other users are judged as
/// usual.
#[test]
fn an_account_is_not_linked_to_the_user_that_released_it() {
    let ben = user("ben", &[("auto2", "!ann@example.com")]);
    let created = "created: ReleasedBefore";
    for (holders, released_by, expected) in [
        (vec![ann("auto2")], vec!["ann"], created),
        (vec![ann("auto2")], vec!["zoe"], "linked ann: EmailVerifiedOnBothSides"),
        (vec![ann("suggests")], vec!["ann"], created),
        (vec![ann("off")], vec!["ann"], created),
        (vec![ann("auto")], vec!["ann"], created),
        (vec![blocked(ann("auto2"))], vec!["ann"], created),
        (vec![ann("untrusted")], vec!["ann"], "created: EmailUnverifiedOnOtherUsers"),
        (vec![ann("auto2"), ben.clone()], vec!["ann"], "linked ben: EmailVerifiedOnBothSides"),
        (vec![ann("auto2"), ben.clone()], vec!["ann", "ben"], created),
        (vec![ann("auto2"), ben.clone()], vec![], "candidates ann ben: SeveralUsers"),
    ] {
        assert_eq!(summary(released(&holders, &released_by, false)), expected, "{released_by:?}");
    }
    let two = [ann("auto2"), ben];
    assert_eq!(
        summary(released(&two[..1], &["ann"], true)),
        created,
        "also after the user was deleted"
    );
    assert_eq!(summary(released(&two, &["ann"], true)), "candidates ben: DeletedBefore");
}

#[test]
fn a_blocked_user_does_not_sign_in_with_another_account() {
    assert_eq!(newcomer("auto", &[blocked(ann("auto2"))]), "UserBlocked");
    assert_eq!(newcomer("suggests", &[blocked(ann("auto2"))]), "UserBlocked");
    let two = [blocked(ann("auto2")), user("ben", &[("auto2", "!ann@example.com")])];
    assert_eq!(newcomer("auto", &two), "candidates ben: SeveralUsers");
    assert_eq!(
        newcomer("auto", &[blocked(user("ann", &[("auto2", EMAIL)]))]),
        "created: EmailUnverifiedOnOtherUsers"
    );
}

#[test]
fn an_email_beyond_ascii_links_no_user() {
    let account = account("auto", "new", "!k\u{e4}te@example.com");
    let holder = user("k", &[("auto2", "!k\u{e4}te@example.com")]);
    assert_eq!(summary(decide(&account, None, &[holder], false)), "created: EmailNotAscii", "A37");
}

#[test]
fn a_decision_says_what_it_rests_on() {
    let holders = [
        ann("auto2"),
        user("mal", &[("auto2", EMAIL)]),
        user("eve", &[("untrusted", "!ann@example.com")]),
    ];
    let decision =
        decide(&account("auto", "new", "!ann@example.com"), None, &holders, false).unwrap();
    let listed: Vec<_> = decision
        .evidence
        .iter()
        .map(|e| (e.identity.to_string(), e.verified.is_some(), e.counts))
        .collect();
    let expected = [
        ("auto|new", true, true),
        ("auto2|ann-0", true, true),
        ("auto2|mal-0", false, false),
        ("untrusted|eve-0", true, false),
    ];
    assert_eq!(listed, expected.map(|(id, verified, counts)| (id.to_owned(), verified, counts)));
    let crowd: Vec<User> = (0..50).map(|at| user(&format!("m{at}"), &[("auto2", EMAIL)])).collect();
    let decision =
        decide(&account("auto", "new", "!ann@example.com"), None, &crowd, false).unwrap();
    assert_eq!(decision.evidence.len(), 21);
}

/// Outcome, and rule or refusal, in the words of `docs/reference/sign-in-rules.md`.
fn in_words(decision: &Result<Decision, DomainError>) -> (&'static str, String) {
    let (outcome, name) = match decision {
        Err(refusal) => ("refused", format!("{refusal:?}")),
        Ok(Decision { outcome, rule, .. }) => match outcome {
            SignInOutcome::SignedIn(_) => ("signed in", format!("{rule:?}")),
            SignInOutcome::Created => ("created", format!("{rule:?}")),
            SignInOutcome::Linked(_) => ("linked", format!("{rule:?}")),
            SignInOutcome::Candidates(_) => ("candidates", format!("{rule:?}")),
            SignInOutcome::RegistrationNeeded => ("registration needed", format!("{rule:?}")),
        },
    };
    let words = name
        .char_indices()
        .map(|(at, c)| if at > 0 && c.is_uppercase() { format!("_{c}") } else { c.to_string() });
    (outcome, words.collect::<String>().to_uppercase())
}

/// The rows of the first table: outcome, and rule or refusal.
fn rows_of_the_page() -> Vec<(&'static str, String)> {
    let page = include_str!("../../../docs/reference/sign-in-rules.md");
    let rows = page.lines().filter_map(|line| {
        line.strip_prefix("| ").filter(|rest| rest.starts_with(char::is_numeric))
    });
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let outcomes = ["refused", "signed in", "created", "linked", "candidates"];
        let outcome = outcomes.into_iter().find(|outcome| cells[2].starts_with(outcome)).unwrap();
        (outcome, cells[3].trim_end_matches(" |").trim_matches('`').to_owned())
    })
    .collect()
}

/// The second table's entry for this outcome and for a caller that wants the new user: outcome, and
/// rule or refusal, for a row of the first table whose outcome is created.
#[test]
fn the_page_says_what_registration_does_with_a_new_account() {
    use Registration::{Ask, Closed, Open};
    let page = include_str!("../../../docs/reference/sign-in-rules.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `registration` is ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    let row = |registration: Registration| {
        let created = newcomer_decision("auto", &[]);
        let (outcome, name) =
            in_words(&created.and_then(|created| apply_registration(created, registration)));
        (outcome, name.replace("EMAIL_UNCLAIMED", "that of the row"))
    };
    let rows: Vec<_> =
        rows.iter().map(|cells| (cells[1], cells[2].trim_matches('`').to_owned())).collect();
    assert_eq!(rows, [Open, Ask, Ask.once_confirmed(), Closed].map(row));
    assert_eq!(row(Closed.once_confirmed()), row(Closed));
    // No other outcome depends on the registration.
    for holders in [vec![ann("auto2")], vec![ann("suggests")]] {
        let decision = newcomer_decision("auto", &holders).unwrap();
        assert_eq!(apply_registration(decision.clone(), Closed), Ok(decision));
    }
}

#[test]
fn the_page_is_the_code_row_by_row() {
    let trusted = ann;
    let (ann, mallory) = (trusted("auto2"), user("m", &[("auto2", EMAIL)]));
    let ben = user("ben", &[("auto2", "!ann@example.com")]);
    let mut changed = ann.clone();
    changed.identities[0].email_changed = true;
    let own = account("auto", "new", "!ann@example.com");
    let of = |provider, email| account(provider, "new", email);
    let newcomer =
        |account: &UnownedIdentity, holders: &[User]| decide(account, None, holders, false);
    let rows = [
        newcomer(&of("undeclared", ""), &[]),
        newcomer(&of("disabled", ""), &[]),
        decide(&own, Some(&blocked(ann.clone())), &[], false),
        decide(&own, Some(&ann), &[], false),
        newcomer(&of("wants-any", ""), &[]),
        newcomer(&of("auto", ""), &[]),
        newcomer(&of("wants-verified", EMAIL), &[]),
        newcomer(&of("untrusted", "!ann@example.com"), &[]),
        newcomer(&of("auto", "!\u{e4}nn@example.com"), &[]),
        newcomer(&of("off", "!ann@example.com"), &[]),
        newcomer(&own, &[]),
        newcomer(&own, &[mallory]),
        released(slice::from_ref(&ann), &["ann"], false),
        newcomer(&own, &[trusted("off")]),
        newcomer(&own, &[blocked(ann.clone())]),
        newcomer(&own, &[trusted("auto")]),
        decide(&own, None, slice::from_ref(&ann), true),
        newcomer(&own, &[changed]),
        newcomer(&own, &[joined(&[("wants-any", 1, None), ("auto2", 2, Some(2))])]),
        newcomer(&own, &[since(ann.clone(), -100)]),
        newcomer(&own, slice::from_ref(&ann)),
        newcomer(&of("suggests", "!ann@example.com"), slice::from_ref(&ann)),
        newcomer(&own, &[ann, ben]),
    ];
    let rows: Vec<_> = rows.iter().map(in_words).collect();
    assert_eq!(rows_of_the_page(), rows);
}

fn any_email() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just(EMAIL), Just("!ann@example.com"), Just("!bob@example.com")]
}

fn any_provider() -> impl Strategy<Value = &'static str> {
    prop::sample::select(policies().into_keys().collect::<Vec<_>>())
}

fn any_holders() -> impl Strategy<Value = Vec<User>> {
    let accounts = prop::collection::vec((any_provider(), any_email()), 1..3);
    let one = (accounts, any::<bool>());
    prop::collection::vec(one, 0..4).prop_map(|users| {
        let users = users.into_iter().enumerate();
        users
            .map(|(at, (of, is_blocked))| User {
                blocked: is_blocked,
                ..user(&format!("u{at}"), &of)
            })
            .collect()
    })
}

/// Whether this account proves that its owner has the email: an independent restatement of the
/// rule.
fn proves(identity: &Identity) -> bool {
    let policy = &policies()[identity.id.provider.as_str()];
    let is_verified =
        identity.email.as_ref().is_some_and(|e| e.verified.is_some() && e.given == EMAIL);
    is_verified && policy.enabled && policy.email_trust == EmailTrust::WhenVerified
}

proptest! {
    #[test]
    fn each_decision_has_a_row_on_the_page(
        provider in any_provider(), email in any_email(), holders in any_holders(), was_deleted in any::<bool>(),
        is_known in any::<bool>()
    ) {
        let account = account(provider, "new", email);
        let owner = holders.first().filter(|_| is_known);
        let decision = decide(&account, owner, &holders, was_deleted);
        prop_assert!(rows_of_the_page().contains(&in_words(&decision)), "{:?}", decision);
    }

    #[test]
    fn a_link_needs_one_match_proven_and_open_on_both_sides(
        provider in any_provider(), is_verified in any::<bool>(), holders in any_holders(), was_deleted in any::<bool>()
    ) {
        let email = if is_verified { "!ann@example.com" } else { EMAIL };
        let account = account(provider, "new", email);
        if let Ok(Decision { outcome: SignInOutcome::Linked(id), .. }) = decide(&account, None, &holders, was_deleted) {
            prop_assert!(is_verified);
            let policy = &policies()[provider];
            prop_assert!(policy.can_sign_in() && policy.email_trust == EmailTrust::WhenVerified);
            prop_assert_eq!(policy.linking, LinkingPolicy::Automatic);
            let matches: Vec<&User> = holders.iter().filter(|user| user.identities.iter().any(proves)).collect();
            prop_assert_eq!(matches.len(), 1);
            prop_assert_eq!(&matches[0].id, &id);
            prop_assert!(!matches[0].blocked);
            prop_assert!(!was_deleted);
            prop_assert!(matches[0].identities.iter().all(|of| of.id.provider.as_str() != provider));
            let mut proofs = matches[0].identities.iter().filter(|of| proves(of));
            prop_assert!(proofs.all(|of| policies()[of.id.provider.as_str()].linking == LinkingPolicy::Automatic));
        }
    }

    #[test]
    fn only_users_that_have_proven_the_email_are_candidates(provider in any_provider(), holders in any_holders()) {
        let account = account(provider, "new", "!ann@example.com");
        if let Ok(Decision { outcome: SignInOutcome::Candidates(who), .. }) = decide(&account, None, &holders, false) {
            prop_assert!(!who.is_empty());
            for candidate in who {
                let user = holders.iter().find(|user| user.id == candidate.user).unwrap();
                prop_assert!(!user.blocked && user.identities.iter().any(proves));
            }
        }
    }

    /// A81.
    #[test]
    fn a_user_that_released_the_account_does_not_change_the_outcome(
        holders in any_holders(), released_by in 0usize..3, was_deleted in any::<bool>()
    ) {
        let releaser = format!("u{released_by}");
        let others: Vec<User> = holders.iter().filter(|user| user.id.as_str() != releaser).cloned().collect();
        let outcome = |decision: Result<Decision, DomainError>| decision.map(|decision| decision.outcome);
        let with = outcome(released(&holders, &[&releaser], was_deleted));
        prop_assert_eq!(with, outcome(released(&others, &[], was_deleted)));
    }

    #[test]
    fn users_that_only_claim_the_email_do_not_change_the_outcome(
        provider in any_provider(), holders in any_holders(), squatters in 0usize..4
    ) {
        let account = account(provider, "new", "!ann@example.com");
        let without = decide(&account, None, &holders, false).map(|decision| decision.outcome);
        let squatters = (0..squatters).map(|at| user(&format!("squatter{at}"), &[("auto2", EMAIL), ("untrusted", "!ann@example.com")]));
        let crowd: Vec<User> = holders.iter().cloned().chain(squatters).collect();
        prop_assert_eq!(decide(&account, None, &crowd, false).map(|decision| decision.outcome), without);
    }
}
