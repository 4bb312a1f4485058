//! `ListProviders`.

use super::SignInHandler;
use crate::{
    auth::Permit,
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::Checks,
    },
    oauth::Client,
    use_cases::Error,
};

impl SignInHandler {
    pub(super) fn providers(
        &self,
        permit: &Permit,
        request: &pb::ListProvidersRequest,
    ) -> Result<pb::ListProvidersResponse, Error> {
        let mut checks = Checks::default();
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let pages = PageTokens::for_query(
            self.use_cases.store().key(permit.tenant())?,
            "ListProviders",
            &[],
        );
        let after = pages.open(&request.page_token);
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let after = checks.into_result_with(after)?;
        let tenant = self.use_cases.tenant(permit)?;
        let clients = self.use_cases.clients().of_tenant(permit.tenant());
        let enabled = clients.filter(|client| tenant.provider(client.provider()).policy.enabled);
        let found: Vec<_> = enabled
            .filter(|client| client.provider().as_str() > after.as_str())
            .take(size + 1)
            .collect();
        let mut providers: Vec<_> = found
            .iter()
            .map(|client| {
                let settings = tenant.provider(client.provider());
                shown(client, settings.social, settings.policy.link_only)
            })
            .collect();
        providers.truncate(page::fitting(&providers, size));
        let last = providers.last().filter(|_| providers.len() < found.len());
        let next_page_token =
            last.map(|last| pages.token_after(&last.provider)).unwrap_or_default();
        Ok(pb::ListProvidersResponse { providers, next_page_token })
    }
}

fn shown(client: &Client, social: bool, link_only: bool) -> pb::SignInProvider {
    let mode = match link_only {
        true => pb::sign_in_provider::Mode::LinkOnly,
        false => pb::sign_in_provider::Mode::SignIn,
    };
    pb::SignInProvider {
        provider: client.provider().to_string(),
        display_name: client.settings().display_name.clone(),
        social,
        mode: mode.into(),
        redirect_uris: client.settings().redirect_uris.iter().cloned().collect(),
    }
}
