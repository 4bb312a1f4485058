//! `ListLinks`.

mod filters;
mod pages;
mod plan;
mod reasons;
mod sight;
mod tenant;
mod told;

use identity_link::grpc::proto as pb;

use crate::support::*;

/// A plan under which links are found.
const PLAN: &str = "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10";

/// A request for the links of a service's tenant.
fn of_tenant(filter: pb::LinkFilter) -> pb::ListLinksRequest {
    pb::ListLinksRequest { filter: Some(filter), ..Default::default() }
}

/// All links of a query, over all of its pages.
async fn listed(caller: &Caller, request: pb::ListLinksRequest) -> Vec<pb::LinkRecord> {
    let (mut links, mut request) = (vec![], request);
    loop {
        let page = caller.list_links(request.clone()).await.unwrap();
        links.extend(page.links);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return links;
        }
    }
}

/// The subject of the first account that each link moved.
fn subjects(links: &[pb::LinkRecord]) -> Vec<String> {
    links.iter().map(|link| link.moved_identities[0].subject.clone()).collect()
}
