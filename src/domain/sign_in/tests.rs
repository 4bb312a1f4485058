//! The rules of sign-ins by examples. The modules below test what the rules promise as a whole.

mod laws;
mod other_emails;
mod page;
mod refreshing;

use std::{collections::BTreeMap, slice};

use super::*;
use crate::domain::{
    EmailTrust, Identity, Metadata, Moved, Provider, Subject, Verifier, linking::owned_identity,
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
        other_emails: Vec::new(),
        profile_data: Metadata::default(),
        signed_in_at: None,
        tokens: None,
    };
    judged(account, &policies()[provider])
}

/// The account with these further addresses. A `!` marks one as verified.
fn with_others(own: UnownedIdentity, others: &[&str]) -> UnownedIdentity {
    let provider = own.id.provider.to_string();
    let others = others.iter().filter_map(|email| account(&provider, "new", email).email);
    UnownedIdentity { other_emails: others.collect(), ..own }
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
