//! Properties that hold for all facts.

use proptest::{
    prelude::{any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest},
    strategy::{Just, Strategy},
};

use super::{
    page::{in_words, rows_of_the_page},
    *,
};

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

    /// A100.
    #[test]
    fn another_address_only_turns_a_new_user_into_candidates(
        provider in any_provider(), email in any_email(), others in prop::collection::vec(any_email(), 0..3),
        holders in any_holders(), was_deleted in any::<bool>()
    ) {
        let own = account(provider, "new", email);
        let without = decide(&own, None, &holders, was_deleted);
        let with = decide(&with_others(own, &others), None, &holders, was_deleted);
        if with != without {
            let is_created = matches!(without, Ok(Decision { outcome: SignInOutcome::Created, .. }));
            prop_assert!(is_created);
            let refused = matches!(with, Err(DomainError::UserBlocked));
            let asked = matches!(
                with, Ok(Decision { outcome: SignInOutcome::Candidates(_), rule: SignInRule::OtherEmailVerified, .. })
            );
            prop_assert!(refused || asked);
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
