//! `GetProviderToken`.

use super::IdentityHandler;
use crate::{
    auth::Permit,
    grpc::{proto as pb, requests::Checks, responses},
    use_cases::{AccessToken, Error, GetProviderToken},
};

impl IdentityHandler {
    pub(super) async fn get_provider_token(
        &self,
        permit: Permit,
        request: pb::GetProviderTokenRequest,
    ) -> Result<pb::GetProviderTokenResponse, Error> {
        let mut checks = Checks::default();
        let target = checks.target("user_id", &permit, &request.user_id);
        let identity = checks.identity("identity", request.identity.as_ref());
        let scopes = checks.scopes("scopes", request.scopes);
        let (target, identity) = checks.into_result_with(target.zip(identity))?;
        let get = GetProviderToken { permit, target, identity, scopes };
        let AccessToken { token, expire_time, scopes } = get.execute(&self.use_cases).await?;
        Ok(pb::GetProviderTokenResponse {
            access_token: token.reveal().to_owned(),
            token_type: "Bearer".to_owned(),
            expire_time: expire_time.map(responses::time),
            scopes: scopes.into_iter().collect(),
        })
    }
}
