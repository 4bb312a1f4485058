//! `ListLinks`.

use chrono::DateTime;
use uuid::Uuid;

use super::IdentityHandler;
use crate::{
    auth::{Caller, Permit, Purpose},
    clock,
    domain::{DomainError, UserRef},
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
        responses::{self, Visibility},
    },
    store::LinkPosition,
    use_cases::{Error, resolve},
};

impl IdentityHandler {
    pub(super) async fn list_links(
        &self,
        permit: Permit,
        request: pb::ListLinksRequest,
    ) -> Result<pb::ListLinksResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let asks = match permit.caller() {
            Caller::User(user) => name(&user.named),
            Caller::Service { .. } => String::new(),
        };
        let key = self.use_cases.store().key(permit.tenant())?;
        let pages = PageTokens::for_query(key, "ListLinks", &[&asks, &request.user_id]);
        let after = pages.open(&request.page_token).and_then(|token| position(&token));
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let after = checks.into_result_with(after)?;
        let target = permit.target(user_id.clone())?;

        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let (holder, []) = resolve(&mut session, &target, Purpose::Read, [], clock::now()).await?;
        let links =
            session.past_links(user_id.as_ref().unwrap_or(&holder), after, size + 1).await?;
        let own = match permit.is_service() {
            true => None,
            // Read last, so that a user that has left meanwhile is not shown.
            false => Some(session.user_by_id(&holder).await?.ok_or(DomainError::UserNotFound)?),
        };
        let visibility = own.as_ref().map_or(Visibility::AllUsers, Visibility::Own);
        let mut records: Vec<_> =
            links.iter().map(|link| responses::past_link(link, visibility)).collect();
        records.truncate(page::fitting(&records, size));
        let last = links
            .get(..records.len())
            .and_then(<[_]>::last)
            .filter(|_| records.len() < links.len());
        let next_page_token = last.map(|last| {
            pages.token_after(&format!(
                "{} {}",
                last.link.link_time.timestamp_micros(),
                last.link.id
            ))
        });
        Ok(pb::ListLinksResponse {
            links: records,
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }
}

/// A name as part of the scope of a page token.
fn name(named: &UserRef) -> String {
    match named {
        UserRef::UserId(id) => format!("user {id}"),
        UserRef::Identity(identity) => format!("identity {identity}"),
    }
}

/// The position that a page token contains.
fn position(token: &str) -> Option<LinkPosition> {
    if token.is_empty() {
        return Some(LinkPosition::START);
    }
    let (micros, id) = token.split_once(' ')?;
    let link_time = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(LinkPosition { link_time, id: Uuid::try_parse(id).ok()? })
}
