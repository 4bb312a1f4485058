//! `ListConnections`.

use super::IdentityHandler;
use crate::{
    auth::Permit,
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
    },
    use_cases::Error,
};

impl IdentityHandler {
    #[expect(clippy::unused_async, reason = "all rpcs of the service have one form")]
    pub(super) async fn list_connections(
        &self,
        permit: Permit,
        request: pb::ListConnectionsRequest,
    ) -> Result<pb::ListConnectionsResponse, Error> {
        let mut checks = Checks::default();
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let key = self.use_cases.store().key(permit.tenant())?;
        let pages = PageTokens::for_query(key, "ListConnections", &[]);
        let after = pages.open(&request.page_token);
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let after = checks.into_result_with(after)?;
        let all = self.use_cases.tenant(&permit)?.connections();
        let rest = all.into_iter().filter(|connection| connection.name > after.as_str());
        let found: Vec<_> = rest.take(size + 1).collect();
        let shown = found.iter().map(|connection| pb::Connection {
            name: connection.name.to_owned(),
            provider: connection.provider.to_string(),
        });
        let mut connections: Vec<_> = shown.collect();
        connections.truncate(page::fitting(&connections, size));
        let last = connections.last().filter(|_| connections.len() < found.len());
        let next_page_token = last.map(|last| pages.token_after(&last.name)).unwrap_or_default();
        Ok(pb::ListConnectionsResponse { connections, next_page_token })
    }
}
