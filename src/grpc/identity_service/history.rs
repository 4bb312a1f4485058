//! `ListLinks`.

use chrono::DateTime;
use uuid::Uuid;

use super::IdentityHandler;
use crate::{
    auth::{Caller, Permit, Purpose},
    clock,
    domain::{Named, Refusal},
    grpc::{
        answers::{self, Sight},
        page::{self, Pages},
        proto as pb,
        requests::Checks,
    },
    linking::{Error, resolve},
    store::LinkPosition,
};

impl IdentityHandler {
    pub(super) async fn list_links(
        &self,
        permit: Permit,
        request: pb::ListLinksRequest,
    ) -> Result<pb::ListLinksResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let size = checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let asks = match permit.caller() {
            Caller::User(user) => name(&user.named),
            Caller::Service { .. } => String::new(),
        };
        let key = self.linking.store().key(permit.tenant())?;
        let pages = Pages::of(key, "ListLinks", &[&asks, &request.user_id]);
        let after = pages.open(&request.page_token).and_then(|token| position(&token));
        if after.is_none() {
            checks.wrong("page_token", page::WRONG_TOKEN);
        }
        let after = checks.finish_with(after)?;
        let target = permit.target(user_id.clone())?;

        let mut session = self.linking.store().session(permit.tenant()).await?;
        let (holder, []) = resolve(&mut session, &target, Purpose::Read, [], clock::now()).await?;
        let links = session.past_links(user_id.as_ref().unwrap_or(&holder), after, size + 1).await?;
        let own = match permit.is_service() {
            true => None,
            // Read last, so that a user that has left meanwhile is not shown.
            false => Some(session.user_by_id(&holder).await?.ok_or(Refusal::UserNotFound)?),
        };
        let sight = own.as_ref().map_or(Sight::Everybody, Sight::Own);
        let mut records: Vec<_> = links.iter().map(|link| answers::past_link(link, sight)).collect();
        records.truncate(page::fitting(&records, size));
        let last = links.get(..records.len()).and_then(<[_]>::last).filter(|_| records.len() < links.len());
        let next_page_token =
            last.map(|last| pages.token_after(&format!("{} {}", last.link.link_time.timestamp_micros(), last.link.id)));
        Ok(pb::ListLinksResponse { links: records, next_page_token: next_page_token.unwrap_or_default() })
    }
}

/// A name as part of the scope of a page token.
fn name(named: &Named) -> String {
    match named {
        Named::UserId(id) => format!("user {id}"),
        Named::Identity(identity) => format!("identity {identity}"),
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
