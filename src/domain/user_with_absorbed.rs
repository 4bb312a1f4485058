//! A live user, the users that it holds, and the links that joined them.

use uuid::Uuid;

use super::{
    Absorbed, DomainError, Metadata, User, UserId,
    merge::Arrays,
    metadata::MAX_BYTES,
    unmerge::{Document, Documents, LinkTraces, Trace, Unmerged},
};

/// A standing link, with what is needed to take it back.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingLink {
    /// The link.
    pub id: Uuid,
    /// The primary user of the link.
    pub primary: UserId,
    /// The primary user's version after this link. It orders the links into one user.
    pub primary_version: i64,
    /// What its merge changed in `user_metadata`.
    pub user_metadata: MergeTraces,
    /// What its merge changed in `app_metadata`.
    pub app_metadata: MergeTraces,
}

/// What a link's merge changed in one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeTraces {
    /// How it merged arrays.
    pub arrays: Arrays,
    /// The paths that the merge changed.
    pub traces: Vec<Trace>,
}

/// A live user and the users that it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct UserWithAbsorbed {
    /// The live user first, then those it has absorbed, in any order.
    pub users: Vec<User>,
    /// The standing links into any of them.
    pub links: Vec<StandingLink>,
}

/// What happened to the paths that a link had changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnmergedMetadata {
    /// In `user_metadata`.
    pub user: Unmerged,
    /// In `app_metadata`.
    pub app: Unmerged,
}

/// Which metadata a link is taken back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmergeExtent {
    /// From both namespaces.
    Everything,
    /// From `user_metadata` only: a caller that may not write `app_metadata` may not remove it
    /// either.
    UserMetadata,
}

impl UserWithAbsorbed {
    /// Takes back what a link wrote into the metadata of these users, and clears the link's traces.
    ///
    /// # Errors
    /// [`DomainError::MetadataTooLarge`] if the live user's metadata is too large after the old
    /// values have come back.
    pub fn unmerge(
        &mut self,
        link: Uuid,
        extent: UnmergeExtent,
    ) -> Result<UnmergedMetadata, DomainError> {
        let user = self.unmerge_in(
            link,
            "user_metadata",
            |user| &mut user.user_metadata,
            |link| &mut link.user_metadata,
        )?;
        let app = match extent {
            UnmergeExtent::Everything => self.unmerge_in(
                link,
                "app_metadata",
                |user| &mut user.app_metadata,
                |link| &mut link.app_metadata,
            )?,
            UnmergeExtent::UserMetadata => {
                let left = self
                    .links
                    .iter()
                    .filter(|left| left.id == link)
                    .flat_map(|left| &left.app_metadata.traces);
                Unmerged { taken: Vec::new(), kept: left.map(|trace| trace.path.clone()).collect() }
            }
        };
        Ok(UnmergedMetadata { user, app })
    }

    /// The links that differ from `before`. The link that ended is left out: its traces are empty.
    pub fn rewritten_since(&self, before: &[StandingLink], ended: Uuid) -> Vec<StandingLink> {
        self.links
            .iter()
            .filter(|link| link.id != ended && !before.contains(link))
            .cloned()
            .collect()
    }

    fn unmerge_in(
        &mut self,
        link: Uuid,
        name: &'static str,
        metadata: impl Fn(&mut User) -> &mut Metadata,
        merge: impl Fn(&mut StandingLink) -> &mut MergeTraces,
    ) -> Result<Unmerged, DomainError> {
        let document = |user: &mut User| {
            let absorbed_by = user.absorbed.as_ref().and_then(Absorbed::by_link);
            (user.id.clone(), Document { metadata: metadata(user).clone(), absorbed_by })
        };
        let imprint = |link: &mut StandingLink| {
            let (id, primary, order) = (link.id, link.primary.clone(), link.primary_version);
            let merge = merge(link).clone();
            LinkTraces { link: id, primary, order, arrays: merge.arrays, traces: merge.traces }
        };
        let mut documents = Documents {
            users: self.users.iter_mut().map(document).collect(),
            links: self.links.iter_mut().map(imprint).collect(),
        };
        let taken = documents.unmerge(link);
        for user in &mut self.users {
            if let Some(document) = documents.users.remove(&user.id) {
                *metadata(user) = document.metadata;
            }
        }
        for link in &mut self.links {
            let imprint = documents.links.iter_mut().find(|imprint| imprint.link == link.id);
            merge(link).traces =
                imprint.map(|imprint| std::mem::take(&mut imprint.traces)).unwrap_or_default();
        }
        let bytes = self.users.first_mut().map_or(0, |live| metadata(live).json_bytes());
        if bytes > MAX_BYTES {
            return Err(DomainError::MetadataTooLarge { namespace: name, bytes });
        }
        Ok(taken)
    }
}
