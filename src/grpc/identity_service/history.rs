//! `ListLinks`.

use chrono::DateTime;
use data_encoding::HEXLOWER;
use prost::Message as _;
use uuid::Uuid;

use super::IdentityHandler;
use crate::{
    auth::{Caller, Permit, Purpose, Target},
    clock,
    domain::{DomainError, User, UserRef},
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
        responses::{self, Visibility},
    },
    store::{LinkFilter, LinkPage, LinkPosition},
    use_cases::{Error, resolve},
};

/// Which page of which links.
struct Query {
    filter: LinkFilter,
    after: LinkPosition,
    size: usize,
}

impl IdentityHandler {
    pub(super) async fn list_links(
        &self,
        permit: Permit,
        request: pb::ListLinksRequest,
    ) -> Result<pb::ListLinksResponse, Error> {
        let mut checks = Checks::default();
        // A request that is empty by a client's mistake does not list the whole tenant.
        let (is_service, names_none) = (permit.is_service(), request.user_id.is_empty());
        let is_of_tenant = is_service && names_none && request.filter.is_some();
        let target = match is_of_tenant {
            true => None,
            false => checks.target("user_id", &permit, &request.user_id),
        };
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let filter = request
            .filter
            .as_ref()
            .map(|filter| checks.link_filter("filter", filter, (is_service, is_of_tenant)));
        let scope = scope(&permit, &request);
        let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
        let key = self.use_cases.store().key(permit.tenant())?;
        let pages = PageTokens::for_query(key, "ListLinks", &scope);
        let after = pages.open(&request.page_token).and_then(|token| position(&token));
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let after = checks.into_result_with(after)?;

        let query = Query { filter: filter.unwrap_or_default(), after, size };
        let (page, own) = match target {
            None => (self.links_of_tenant(&permit, &query).await?, None),
            Some(target) => self.links_of_user(&permit, &target, &query).await?,
        };
        let visibility = own.as_ref().map_or(Visibility::AllUsers, Visibility::Own);
        let mut records: Vec<_> =
            page.links.iter().map(|link| responses::past_link(link, visibility)).collect();
        records.truncate(page::fitting(&records, size));
        // A page that ends before the last link continues after the one that it ends with.
        let last = page.links.get(..records.len()).and_then(<[_]>::last);
        let next = match last {
            Some(last) if records.len() < page.links.len() => Some(last.position()),
            _ => page.next,
        };
        let token = next.map(|LinkPosition { link_time, id }| {
            pages.token_after(&format!("{} {id}", link_time.timestamp_micros()))
        });
        Ok(pb::ListLinksResponse { links: records, next_page_token: token.unwrap_or_default() })
    }

    /// The links of all users of the service's tenant.
    async fn links_of_tenant(&self, permit: &Permit, query: &Query) -> Result<LinkPage, Error> {
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        Ok(session.links_of_tenant(&query.filter, query.after, query.size).await?)
    }

    /// The links of a user; and for a user token its own user, whose data it may see.
    async fn links_of_user(
        &self,
        permit: &Permit,
        target: &Target,
        query: &Query,
    ) -> Result<(LinkPage, Option<User>), Error> {
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let (holder, []) = resolve(&mut session, target, Purpose::Read, [], clock::now()).await?;
        let user = target.requested_id().unwrap_or(&holder);
        let page = session.past_links(user, &query.filter, query.after, query.size).await?;
        let own = match permit.is_service() {
            true => None,
            // Read last, so that a user that has left meanwhile is not shown.
            false => Some(session.user_by_id(&holder).await?.ok_or(DomainError::UserNotFound)?),
        };
        Ok((page, own))
    }
}

/// What a page token is good for: the caller's user, and all fields that decide which links there
/// are.
fn scope(permit: &Permit, request: &pb::ListLinksRequest) -> Vec<String> {
    let asks = match permit.caller() {
        Caller::User(user) => name(&user.named),
        Caller::Service { .. } | Caller::Operator | Caller::Provider { .. } => String::new(),
    };
    let filter = request.filter.as_ref().map(|filter| HEXLOWER.encode(&filter.encode_to_vec()));
    [asks, request.user_id.clone()].into_iter().chain(filter).collect()
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
