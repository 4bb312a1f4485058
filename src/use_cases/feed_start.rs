//! Where a caller begins to read the feed.

use super::{Error, UseCases};
use crate::{
    auth::Permit,
    domain::DomainError,
    feed::{Feed, PositionCodec},
    store::{Position, PositionState, Session},
};

/// Where a caller begins to read the feed. `P` is a position: a text that a client sent, or a
/// [`Position`].
#[derive(Debug, Clone)]
pub enum FeedStart<P> {
    /// After this position.
    After(P),
    /// Before the oldest event that is kept.
    Oldest,
    /// After the newest event.
    Newest,
}

impl UseCases {
    /// The position after which a watch of the feed begins. It is read on a connection of the
    /// feed.
    ///
    /// # Errors
    /// [`DomainError::PositionInvalid`] and [`DomainError::PositionExpired`].
    pub async fn feed_position(
        &self,
        feed: &Feed,
        permit: &Permit,
        start: &FeedStart<String>,
    ) -> Result<Position, Error> {
        let positions = PositionCodec::new(self.store.key(permit.tenant())?)?;
        let start = start.parse(&positions)?;
        let mut reader = feed.reader(permit.tenant()).await?;
        start.position(&mut reader.session, &positions).await
    }
}

impl FeedStart<String> {
    /// The same start with a decoded position. This needs no database.
    ///
    /// # Errors
    /// [`DomainError::PositionInvalid`].
    pub(super) fn parse(
        &self,
        positions: &PositionCodec,
    ) -> Result<FeedStart<Position>, DomainError> {
        Ok(match self {
            Self::After(text) => {
                FeedStart::After(positions.parse(text).ok_or(DomainError::PositionInvalid)?)
            }
            Self::Oldest => FeedStart::Oldest,
            Self::Newest => FeedStart::Newest,
        })
    }
}

impl FeedStart<Position> {
    /// The position after which reading begins. The feed still has all events after it.
    ///
    /// # Errors
    /// Those of [`expect_kept`].
    pub(super) async fn position(
        self,
        session: &mut Session,
        positions: &PositionCodec,
    ) -> Result<Position, Error> {
        match self {
            Self::After(position) => {
                expect_kept(session, positions, position).await?;
                Ok(position)
            }
            Self::Oldest => Ok(session.oldest_position().await?),
            Self::Newest => {
                let horizon = session.horizon().await?;
                Ok(session.newest_position(horizon).await?)
            }
        }
    }
}

/// Refuses a position unless the feed has all events after it.
///
/// # Errors
/// [`DomainError::PositionInvalid`] and [`DomainError::PositionExpired`].
pub(super) async fn expect_kept(
    session: &mut Session,
    positions: &PositionCodec,
    position: Position,
) -> Result<(), Error> {
    match session.position_state(position).await? {
        PositionState::Good => Ok(()),
        PositionState::Expired(oldest) => Err(positions.expired(oldest).into()),
        PositionState::Unknown => Err(DomainError::PositionInvalid.into()),
    }
}
