//! Reads the user of a call.

use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    auth::{Purpose, Target},
    domain::{DomainError, User},
    store::Reads,
};

/// The user that a read is about.
///
/// # Errors
/// [`DomainError::UserNotFound`]; [`Error::Auth`] or [`Error::Domain`] if the caller may not read
/// it.
pub async fn read_user(reads: &Reads, target: &Target, now: DateTime<Utc>) -> Result<User, Error> {
    if let Some(id) = target.named_by_service() {
        let user = match (reads.user_by_id(id).await?, target.account_to_resolve()) {
            // An account that a link attached never had a user of its own.
            (None, Some(account)) => reads.user_by_identity(account).await?,
            (user, _) => user.map(|user| target.expect_meant(&user).map(|()| user)).transpose()?,
        };
        return Ok(user.ok_or(DomainError::UserNotFound)?);
    }
    let found = reads.user_states(target.names(), target.token()).await?;
    let id = target.judge(&found, Purpose::Read, now)?;
    Ok(reads.user_by_id(&id).await?.ok_or(DomainError::UserNotFound)?)
}
