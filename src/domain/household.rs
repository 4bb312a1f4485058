//! A live user, the users that it holds, and the links that joined them.

use uuid::Uuid;

use super::{
    Metadata, Refusal, User, UserId,
    merge::Arrays,
    metadata::MAX_BYTES,
    taking_back::{Document, Documents, Imprint, TakenBack, Trace},
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
    pub user_metadata: Merge,
    /// What its merge changed in `app_metadata`.
    pub app_metadata: Merge,
}

/// What a link's merge changed in one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// How it merged arrays.
    pub arrays: Arrays,
    /// The paths that the merge changed.
    pub traces: Vec<Trace>,
}

/// A live user and the users that it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Household {
    /// The live user first, then those it has absorbed, in any order.
    pub users: Vec<User>,
    /// The standing links into any of them.
    pub links: Vec<StandingLink>,
}

/// What happened to the paths that a link had changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBackMetadata {
    /// In `user_metadata`.
    pub user: TakenBack,
    /// In `app_metadata`.
    pub app: TakenBack,
}

/// Which metadata a link is taken back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// From both namespaces.
    Everything,
    /// From `user_metadata` only: a caller that may not write `app_metadata` may not remove it either.
    UserMetadata,
}

impl Household {
    /// Takes back what a link wrote into the metadata of these users, and clears the link's traces.
    ///
    /// # Errors
    /// [`Refusal::MetadataTooLarge`] if the live user's metadata is too large after the old values have come back.
    pub fn take_back(&mut self, link: Uuid, extent: Extent) -> Result<TakenBackMetadata, Refusal> {
        let user =
            self.take_back_in(link, "user_metadata", |user| &mut user.user_metadata, |link| &mut link.user_metadata)?;
        let app = match extent {
            Extent::Everything => {
                self.take_back_in(link, "app_metadata", |user| &mut user.app_metadata, |link| &mut link.app_metadata)?
            }
            Extent::UserMetadata => {
                let left = self.links.iter().filter(|left| left.id == link).flat_map(|left| &left.app_metadata.traces);
                TakenBack { taken: Vec::new(), kept: left.map(|trace| trace.path.clone()).collect() }
            }
        };
        Ok(TakenBackMetadata { user, app })
    }

    /// The links that differ from `before`. The link that ended is left out: its traces are empty.
    pub fn rewritten_since(&self, before: &[StandingLink], ended: Uuid) -> Vec<StandingLink> {
        self.links.iter().filter(|link| link.id != ended && !before.contains(link)).cloned().collect()
    }

    fn take_back_in(
        &mut self,
        link: Uuid,
        name: &'static str,
        metadata: impl Fn(&mut User) -> &mut Metadata,
        merge: impl Fn(&mut StandingLink) -> &mut Merge,
    ) -> Result<TakenBack, Refusal> {
        let document = |user: &mut User| {
            let absorbed_by = user.absorbed.as_ref().map(|absorbed| absorbed.by_link);
            (user.id.clone(), Document { metadata: metadata(user).clone(), absorbed_by })
        };
        let imprint = |link: &mut StandingLink| {
            let (id, primary, order) = (link.id, link.primary.clone(), link.primary_version);
            let merge = merge(link).clone();
            Imprint { link: id, primary, order, arrays: merge.arrays, traces: merge.traces }
        };
        let mut documents = Documents {
            users: self.users.iter_mut().map(document).collect(),
            imprints: self.links.iter_mut().map(imprint).collect(),
        };
        let taken = documents.take_back(link);
        for user in &mut self.users {
            if let Some(document) = documents.users.remove(&user.id) {
                *metadata(user) = document.metadata;
            }
        }
        for link in &mut self.links {
            let imprint = documents.imprints.iter_mut().find(|imprint| imprint.link == link.id);
            merge(link).traces = imprint.map(|imprint| std::mem::take(&mut imprint.traces)).unwrap_or_default();
        }
        let bytes = self.users.first_mut().map_or(0, |live| metadata(live).json_bytes());
        if bytes > MAX_BYTES {
            return Err(Refusal::MetadataTooLarge { namespace: name, bytes });
        }
        Ok(taken)
    }
}
