//! What a release leaves of a user, and which ancestors an unlink gives a new user.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::domain::{
    Provider, Subject,
    linking::{UnownedIdentity, owned_identity},
};

fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(number)
}

fn id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

/// A user with one identity for each flag, which says whether it can sign in. Identities at odd
/// positions have other origin users.
fn user(sign_in: &[bool], primary: usize, blocked: bool) -> User {
    let identities = sign_in.iter().enumerate().map(|(at, signs_in)| {
        let provider = if *signs_in { "open" } else { "closed" };
        let account = UnownedIdentity {
            id: IdentityRef {
                provider: Provider::parse(provider).unwrap(),
                subject: Subject::parse(&at.to_string()).unwrap(),
            },
            connection: provider.to_owned(),
            social: false,
            email: None,
            other_emails: Vec::new(),
            profile_data: Metadata::default(),
            signed_in_at: None,
            tokens: None,
        };
        let origin = if at % 2 == 0 { id("ann") } else { id(&format!("home{at}")) };
        owned_identity(account, origin, i32::try_from(at).unwrap(), day(1))
    });
    let identities: Vec<Identity> = identities.collect();
    let primary = identities[primary % identities.len()].id.clone();
    let first = identities[0].clone();
    User { identities, primary, blocked, ..new_user(id("ann"), &first, day(1)) }
}

fn terms(identity: &IdentityRef, caller: Option<CallingToken>) -> ReleaseTerms<'_> {
    ReleaseTerms { identity, can_sign_in: &|provider| provider.as_str() == "open", caller }
}

proptest! {
    #[test]
    fn a_release_takes_one_identity_and_the_tokens_and_nothing_else(
        sign_in in prop::collection::vec(any::<bool>(), 1..6), primary in 0usize..6, gone in 0usize..6,
        blocked in any::<bool>()
    ) {
        let before = user(&sign_in, primary, blocked);
        let gone = before.identities[gone % sign_in.len()].clone();
        let rest: Vec<Identity> = before.identities.iter().filter(|of| of.id != gone.id).cloned().collect();
        let opens = |identity: &Identity| identity.id.provider.as_str() == "open";
        let refusal = if blocked {
            Some(DomainError::UserBlocked)
        } else if rest.is_empty() || (opens(&gone) && !rest.iter().any(opens)) {
            Some(DomainError::LastIdentity)
        } else if before.primary == gone.id {
            Some(DomainError::PrimaryIdentity)
        } else {
            None
        };
        match release(before.clone(), &terms(&gone.id, None), day(2)) {
            Err(refused) => prop_assert_eq!(Some(refused), refusal),
            Ok((after, released)) => {
                prop_assert!(refusal.is_none());
                prop_assert_eq!(released, gone);
                let expected = User {
                    identities: rest,
                    version: before.version + 1,
                    identities_version: before.version + 1,
                    update_time: day(2),
                    tokens_valid_from: Some(day(2)),
                    ..before
                };
                prop_assert_eq!(after, expected);
            }
        }
    }
}

#[test]
fn the_calling_token_is_spared_unless_it_names_the_identity() {
    let before = user(&[true, true, true], 0, false);
    let gone = before.identities[1].clone();
    for (named, is_spared) in [
        (UserRef::Identity(before.identities[0].id.clone()), true),
        (UserRef::UserId(id("ann")), true),
        (UserRef::UserId(gone.origin.clone()), true),
        (UserRef::Identity(gone.id.clone()), false),
        (UserRef::UserId(id("zoe")), false),
    ] {
        let caller = CallingToken { named: named.clone(), hash: [7; 32] };
        let (after, _) = release(before.clone(), &terms(&gone.id, Some(caller)), day(2)).unwrap();
        assert_eq!(after.spared_token.is_some(), is_spared, "{named:?}");
    }
}

/// A81: of a long chain of unlinks the last ancestors are kept, the nearest at the end.
#[test]
fn a_part_of_a_part_keeps_the_users_that_it_was_a_part_of() {
    let mut part = user(&[true], 0, false);
    for at in 0..MAX_ANCESTORS + 5 {
        let ancestors = ancestors_of_unlinked(&part, None);
        part = User { id: id(&format!("part{at}")), ancestors, ..part };
    }

    assert_eq!(part.ancestors.len(), MAX_ANCESTORS);
    assert_eq!(part.ancestors[0], id("part4"));
    assert_eq!(part.ancestors.last(), Some(&id("part103")));
}
