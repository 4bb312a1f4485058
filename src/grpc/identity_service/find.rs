//! `FindByEmail`, `FindByIdentity`, `ResolveUsers`.

use super::IdentityHandler;
use crate::{
    auth::Permit,
    domain::{DomainError, Email, UserRef},
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
        responses,
    },
    store::Lookup,
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

        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let users = session.users_by_email(canonical, unverified, &after, size + 1).await?;
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
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let user =
            session.user_by_identity(&identity).await?.ok_or(DomainError::IdentityNotFound)?;
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
        let lookups: Vec<_> =
            ids.iter().cloned().map(|id| Lookup::from(UserRef::UserId(id))).collect();
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let found = session.look_up(&lookups).await?.results;
        let users = ids.iter().zip(found).map(|(id, found)| {
            let requested_id = id.to_string();
            let (state, user_id, since, link) = match (found.user_state, found.delete_time) {
                (Some(user), _) => match user.absorbed {
                    None => (State::Current, user.holder.to_string(), Some(user.create_time), None),
                    Some(by) => {
                        (State::Absorbed, user.holder.to_string(), Some(by.time), Some(by.by_link))
                    }
                },
                (None, Some(deleted)) => (State::Deleted, String::new(), Some(deleted), None),
                (None, None) => (State::Unknown, String::new(), None, None),
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
