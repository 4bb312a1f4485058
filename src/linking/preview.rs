//! The one difference between a change and its preview.

use super::Error;
use crate::{
    domain::{User, UserId},
    store::{Keys, Session},
};

/// Reads the rows that a change is decided on. For a change they are locked, inside a transaction
/// that this begins; for a preview they are only read.
pub(super) async fn begin(
    session: &mut Session,
    validate_only: bool,
    keys: &Keys,
    users: &[&UserId],
) -> Result<Vec<User>, Error> {
    if validate_only {
        return Ok(session.users(users).await?);
    }
    session.begin().await?;
    session.lock(keys).await?;
    Ok(session.users_for_update(users).await?)
}
