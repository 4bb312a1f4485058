//! Users as Auth0's job `users-exports` writes them with all fields.

use std::io::Write;

use super::{looks::Looks, shapes::UserBody};
use crate::domain::User;

/// Writes users in the shape that they have over HTTP, one JSON object for each.
#[derive(Debug, Clone)]
pub struct UserLines(Looks);

impl UserLines {
    /// `picture` is the URL of the operator's picture for users without one; `None` for the
    /// built-in drawing.
    pub fn new(picture: Option<&str>) -> Self {
        Self(Looks::new(picture))
    }

    /// Writes a live user, without a line break.
    ///
    /// # Errors
    /// If the output fails.
    pub fn write(&self, user: &User, output: impl Write) -> Result<(), serde_json::Error> {
        serde_json::to_writer(output, &UserBody::from_user(user, &self.0))
    }
}
