//! The account that a client of Auth0 names: clients spell it in two ways.

use chrono::{DateTime, Utc};

use super::{Error, UseCases, resolve};
use crate::{
    auth::{Permit, Target},
    domain::{IdentityRef, UserRef},
    store::Lookup,
};

/// The account that a client means, with or without the prefix `provider|`, as in a user's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpelledAccount {
    /// This account, even if no user has it.
    One(IdentityRef),
    /// One of two existing accounts.
    Either {
        /// The account as the client gave it.
        given: IdentityRef,
        /// The account without the prefix.
        bare: IdentityRef,
    },
}

impl UseCases {
    /// The account that a caller names to link it to `target` or to unlink it from there. It is the
    /// account as given, unless no user has that one and a user has the account without its prefix.
    /// For a user token only the accounts of its own user count. A caller that may not change
    /// `target` learns nothing of either account.
    ///
    /// # Errors
    /// The refusal that the change itself would get for this caller and this target.
    pub async fn spelled_account(
        &self,
        permit: &Permit,
        target: &Target,
        given: IdentityRef,
        now: DateTime<Utc>,
    ) -> Result<SpelledAccount, Error> {
        let Some(bare) = given.without_prefix() else { return Ok(SpelledAccount::One(given)) };
        let mut session = self.store.session(permit.tenant()).await?;
        let lookups =
            [&given, &bare].map(|account| Lookup::from(UserRef::Identity(account.clone())));
        let (user, found) =
            resolve(&mut session, target, self.fresh_write(permit)?, lookups, now).await?;
        Ok(match found.map(|result| result.user_state.map(|user_state| user_state.holder)) {
            // A user token can only mean an account of its own user, and must not learn of another
            // user's.
            [Some(first), Some(second)]
                if permit.is_service() || (first == user && second == user) =>
            {
                SpelledAccount::Either { given, bare }
            }
            [Some(_), Some(second)] if second == user => SpelledAccount::One(bare),
            [None, Some(_)] => SpelledAccount::One(bare),
            _ => SpelledAccount::One(given),
        })
    }
}
