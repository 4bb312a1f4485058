//! The account that a client of Auth0 names, which has two ways to spell it.

use chrono::{DateTime, Utc};

use super::{Error, Linking, resolve};
use crate::{
    auth::{Permit, Target},
    domain::{IdentityRef, Named},
    store::Question,
};

/// What a client means that may have put `provider|` before the account, as in a user's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpelledAccount {
    /// This account. It need not be anybody's.
    One(IdentityRef),
    /// One of two that are both there.
    Either {
        /// The account as it was given.
        given: IdentityRef,
        /// The account without the prefix.
        bare: IdentityRef,
    },
}

impl Linking {
    /// The account that a caller names to link it to `target` or to unlink it from there: as it was given, unless no
    /// user has that and one has the account without its prefix. A caller that may not change `target` learns nothing of
    /// either.
    ///
    /// # Errors
    /// What the change would be refused with for its caller and its target.
    pub async fn spelled_account(
        &self,
        permit: &Permit,
        target: &Target,
        given: IdentityRef,
        now: DateTime<Utc>,
    ) -> Result<SpelledAccount, Error> {
        let Some(bare) = given.without_prefix() else { return Ok(SpelledAccount::One(given)) };
        let mut session = self.store.session(permit.tenant()).await?;
        let questions = [&given, &bare].map(|account| Question::from(Named::Identity(account.clone())));
        let (user, known) = resolve(&mut session, target, self.fresh_write(permit)?, questions, now).await?;
        Ok(match known.map(|answer| answer.standing.map(|standing| standing.holder)) {
            // A user token learns only of accounts beside its own.
            [Some(first), Some(second)] if permit.is_service() || [&first, &second].contains(&&user) => {
                SpelledAccount::Either { given, bare }
            }
            [None, Some(_)] => SpelledAccount::One(bare),
            _ => SpelledAccount::One(given),
        })
    }
}
