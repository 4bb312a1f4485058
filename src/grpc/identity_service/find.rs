//! `FindByEmail`, `FindByIdentity`, `ResolveUsers`.

use super::IdentityHandler;
use crate::{
    auth::Permit,
    domain::{DomainError, Email},
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
        responses,
    },
    store::{EmailSearch, IdState},
    use_cases::Error,
};

/// The most ids that one call resolves.
const MAX_RESOLVED: usize = 1000;

impl IdentityHandler {
    pub(super) async fn find_by_email(
        &self,
        permit: Permit,
        request: pb::FindByEmailRequest,
    ) -> Result<pb::FindByEmailResponse, Error> {
        let mut checks = Checks::default();
        let email = checks.email("email", &request.email);
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let canonical = email.as_ref().map(Email::canonical).unwrap_or_default();
        let unverified = request.include_unverified;
        let key = self.use_cases.store().key(permit.tenant())?;
        let pages = PageTokens::for_query(
            key,
            "FindByEmail",
            &[canonical, if unverified { "all" } else { "verified" }],
        );
        let after = pages.open(&request.page_token);
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let (canonical, after) =
            checks.into_result_with(email.as_ref().map(|_| canonical).zip(after))?;

        let search = EmailSearch {
            canonical: canonical.to_owned(),
            include_unverified: unverified,
            after,
            limit: size + 1,
        };
        let reads = self.use_cases.store().reads(permit.tenant())?;
        let users = reads.users_by_email(search).await?;
        let matches = users.iter().map(|user| {
            let found = user.identities_primary_first().filter_map(|identity| {
                let email = identity.email.as_ref()?;
                let fits = email.canonical.as_deref() == Some(canonical);
                (fits && (unverified || email.is_verified())).then_some((identity, email))
            });
            let found: Vec<_> = found.collect();
            pb::EmailMatch {
                user: Some(responses::user(user)),
                identities: found
                    .iter()
                    .map(|(identity, _)| responses::identity_ref(&identity.id))
                    .collect(),
                verified: found.iter().any(|(_, email)| email.is_verified()),
            }
        });
        let mut matches: Vec<_> = matches.collect();
        matches.truncate(page::fitting(&matches, size));
        let last = users
            .get(..matches.len())
            .and_then(<[_]>::last)
            .filter(|_| matches.len() < users.len());
        let next_page_token =
            last.map(|last| pages.token_after(last.id.as_str())).unwrap_or_default();
        Ok(pb::FindByEmailResponse { matches, next_page_token })
    }

    pub(super) async fn find_by_identity(
        &self,
        permit: Permit,
        request: pb::FindByIdentityRequest,
    ) -> Result<pb::FindByIdentityResponse, Error> {
        let mut checks = Checks::default();
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.into_result_with(identity)?;
        let reads = self.use_cases.store().reads(permit.tenant())?;
        let Some(user) = reads.user_by_identity(&identity).await? else {
            // After the look-up: accounts of a provider that was taken out of the file can be read.
            self.use_cases.tenant(&permit)?.provider(&identity.provider).policy.expect_known()?;
            return Err(DomainError::IdentityNotFound.into());
        };
        Ok(pb::FindByIdentityResponse { user: Some(responses::user(&user)) })
    }

    pub(super) async fn resolve_users(
        &self,
        permit: Permit,
        request: pb::ResolveUsersRequest,
    ) -> Result<pb::ResolveUsersResponse, Error> {
        use pb::resolved_user::State;
        let mut checks = Checks::default();
        let mut ids = Vec::new();
        if (1..=MAX_RESOLVED).contains(&request.user_ids.len()) {
            let named = request.user_ids.iter().enumerate();
            ids.extend(named.filter_map(|(at, id)| checks.user_id(&format!("user_ids[{at}]"), id)));
        } else {
            checks.report("user_ids", format!("must be 1 to {MAX_RESOLVED} ids"));
        }
        checks.into_result()?;
        let reads = self.use_cases.store().reads(permit.tenant())?;
        let found = reads.id_states(&ids).await?;
        let users = ids.iter().zip(found).map(|(id, found)| {
            let requested_id = id.to_string();
            let (state, user_id, since, link) = match found {
                IdState::Live { create_time } => {
                    (State::Current, id.to_string(), Some(create_time), None)
                }
                IdState::Absorbed(by) => {
                    let link = by.by_link();
                    (State::Absorbed, by.into.to_string(), Some(by.time), link)
                }
                IdState::Deleted(deleted) => (State::Deleted, String::new(), Some(deleted), None),
                IdState::Unknown => (State::Unknown, String::new(), None, None),
            };
            pb::ResolvedUser {
                requested_id,
                state: state.into(),
                user_id,
                since_time: since.map(responses::time),
                link_id: link.map(|link| link.to_string()).unwrap_or_default(),
            }
        });
        Ok(pb::ResolveUsersResponse { users: users.collect() })
    }
}
