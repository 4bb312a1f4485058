// Written by clients/generate from the protos. Do not edit.

//! The rpcs of the contract.

use crate::{
    Client, Error, Items,
    google::longrunning,
    rpc::{Paged, RequestId, Rpc},
    v1,
};

impl Rpc for v1::ApplyPlanRequest {
    type Response = longrunning::Operation;

    const PATH: &'static str = "/identitylink.v1.JobService/ApplyPlan";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Always;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for longrunning::CancelOperationRequest {
    type Response = ();

    const PATH: &'static str = "/google.longrunning.Operations/CancelOperation";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::CompleteSignInRequest {
    type Response = v1::CompleteSignInResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/CompleteSignIn";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Always;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::CreateUserRequest {
    type Response = v1::CreateUserResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/CreateUser";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for longrunning::DeleteOperationRequest {
    type Response = ();

    const PATH: &'static str = "/google.longrunning.Operations/DeleteOperation";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::DeleteUserRequest {
    type Response = v1::DeleteUserResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/DeleteUser";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::ExportUsersRequest {
    type Response = v1::ExportUsersResponse;

    const PATH: &'static str = "/identitylink.v1.TransferService/ExportUsers";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::FindByEmailRequest {
    type Response = v1::FindByEmailResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/FindByEmail";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::FindByIdentityRequest {
    type Response = v1::FindByIdentityResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/FindByIdentity";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::FindDuplicatesRequest {
    type Response = longrunning::Operation;

    const PATH: &'static str = "/identitylink.v1.JobService/FindDuplicates";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Always;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }
}

impl Rpc for longrunning::GetOperationRequest {
    type Response = longrunning::Operation;

    const PATH: &'static str = "/google.longrunning.Operations/GetOperation";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::GetProviderTokenRequest {
    type Response = v1::GetProviderTokenResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/GetProviderToken";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::GetUserRequest {
    type Response = v1::GetUserResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/GetUser";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ImportUsersRequest {
    type Response = v1::ImportUsersResponse;

    const PATH: &'static str = "/identitylink.v1.TransferService/ImportUsers";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::LinkRequest {
    type Response = v1::LinkResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/Link";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::ListConnectionsRequest {
    type Response = v1::ListConnectionsResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/ListConnections";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ListEventsRequest {
    type Response = v1::ListEventsResponse;

    const PATH: &'static str = "/identitylink.v1.EventService/ListEvents";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ListLinkCandidatesRequest {
    type Response = v1::ListLinkCandidatesResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/ListLinkCandidates";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ListLinksRequest {
    type Response = v1::ListLinksResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/ListLinks";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for longrunning::ListOperationsRequest {
    type Response = longrunning::ListOperationsResponse;

    const PATH: &'static str = "/google.longrunning.Operations/ListOperations";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ListProvidersRequest {
    type Response = v1::ListProvidersResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/ListProviders";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ListUsersRequest {
    type Response = v1::ListUsersResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/ListUsers";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::MergeMetadataRequest {
    type Response = v1::MergeMetadataResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/MergeMetadata";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::ReadLinesRequest {
    type Response = v1::ReadLinesResponse;

    const PATH: &'static str = "/identitylink.v1.JobService/ReadLines";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ReceiveLogoutTokenRequest {
    type Response = v1::ReceiveLogoutTokenResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/ReceiveLogoutToken";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ReceiveSecurityEventsRequest {
    type Response = v1::ReceiveSecurityEventsResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/ReceiveSecurityEvents";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::ResolveSignInRequest {
    type Response = v1::ResolveSignInResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/ResolveSignIn";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::ResolveUsersRequest {
    type Response = v1::ResolveUsersResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/ResolveUsers";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::SetPrimaryIdentityRequest {
    type Response = v1::SetPrimaryIdentityResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/SetPrimaryIdentity";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::StartSignInRequest {
    type Response = v1::StartSignInResponse;

    const PATH: &'static str = "/identitylink.v1.SignInService/StartSignIn";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::UndoLinkRequest {
    type Response = v1::UndoLinkResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/UndoLink";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::UndoLinksRequest {
    type Response = longrunning::Operation;

    const PATH: &'static str = "/identitylink.v1.JobService/UndoLinks";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Always;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::UnlinkRequest {
    type Response = v1::UnlinkResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/Unlink";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::UpdateUserRequest {
    type Response = v1::UpdateUserResponse;

    const PATH: &'static str = "/identitylink.v1.IdentityService/UpdateUser";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::ExceptPreviews;

    fn request_id(&mut self) -> Option<&mut String> {
        Some(&mut self.request_id)
    }

    fn is_preview(&self) -> bool {
        self.validate_only
    }
}

impl Rpc for v1::UploadPlanRequest {
    type Response = v1::UploadPlanResponse;

    const PATH: &'static str = "/identitylink.v1.JobService/UploadPlan";
    const ONLY_READS: bool = false;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for longrunning::WaitOperationRequest {
    type Response = longrunning::Operation;

    const PATH: &'static str = "/google.longrunning.Operations/WaitOperation";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Rpc for v1::WatchEventsRequest {
    type Response = v1::WatchEventsResponse;

    const PATH: &'static str = "/identitylink.v1.EventService/WatchEvents";
    const ONLY_READS: bool = true;
    const REQUEST_ID: RequestId = RequestId::Never;
}

impl Paged for v1::FindByEmailRequest {
    type Item = v1::EmailMatch;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.matches, response.next_page_token)
    }
}

impl Paged for v1::ListConnectionsRequest {
    type Item = v1::Connection;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.connections, response.next_page_token)
    }
}

impl Paged for v1::ListLinksRequest {
    type Item = v1::LinkRecord;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.links, response.next_page_token)
    }
}

impl Paged for longrunning::ListOperationsRequest {
    type Item = longrunning::Operation;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.operations, response.next_page_token)
    }
}

impl Paged for v1::ListProvidersRequest {
    type Item = v1::SignInProvider;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.providers, response.next_page_token)
    }
}

impl Paged for v1::ListUsersRequest {
    type Item = v1::User;

    fn set_page_token(&mut self, token: String) {
        self.page_token = token;
    }

    fn page(response: Self::Response) -> (Vec<Self::Item>, String) {
        (response.users, response.next_page_token)
    }
}

impl Client {
    /// Links by a plan: each secondary user of a line into its primary one, by the
    /// rules of `Link`. What has changed since the plan is skipped.
    /// Errors: OPERATION_NOT_FOUND, OPERATION_UNFINISHED, PLAN_INCOMPLETE,
    /// TOO_MANY_OPERATIONS.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn apply_plan(
        &self,
        request: v1::ApplyPlanRequest,
    ) -> Result<longrunning::Operation, Error> {
        self.call(request).await
    }

    /// Calls `/google.longrunning.Operations/CancelOperation`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn cancel_operation(
        &self,
        request: longrunning::CancelOperationRequest,
    ) -> Result<(), Error> {
        self.call(request).await
    }

    /// Completes the attempt of `StartSignIn`: exchanges the code, verifies which account
    /// signed in, and decides like `ResolveSignIn`, or links like `Link`. The caller that
    /// completes an attempt must be the one that started it: the secret proves that, and
    /// for a link also a token of the same user. The browser must have come back to a
    /// redirect URI of this provider. The server checks this before it sends anything to
    /// the provider. The check uses the attempt up with any result; only a wrong
    /// field, or a `user_token` that cannot link, leaves the attempt. The secret and the
    /// state name the attempt together: the secret of one with the state of another is
    /// SIGN_IN_INVALID, and uses up neither.
    ///
    /// With a `request_id` the same call can be repeated until the attempt expires, and
    /// continues where the first call was interrupted: the account is stored with the
    /// attempt as soon as the provider has proven it. While a call waits for the provider,
    /// the same call is refused with CONFLICT_RETRY. After PROVIDER_UNAVAILABLE it asks
    /// the provider again. A retry is SIGN_IN_INVALID only if a server crashed after the
    /// provider's response and before it stored the account. Without a `request_id` a
    /// second call is always SIGN_IN_INVALID.
    /// Errors: SIGN_IN_INVALID, PROVIDER_UNKNOWN, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE;
    /// for a sign-in those of `ResolveSignIn`; for a link PROVIDER_DISABLED, those of
    /// `Link`, and of a call with its `user_token`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn complete_sign_in(
        &self,
        request: v1::CompleteSignInRequest,
    ) -> Result<v1::CompleteSignInResponse, Error> {
        self.call(request).await
    }

    /// Creates a user with its first identity.
    /// Errors: IDENTITY_TAKEN, USER_EXISTS, PROVIDER_UNKNOWN.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn create_user(
        &self,
        request: v1::CreateUserRequest,
    ) -> Result<v1::CreateUserResponse, Error> {
        self.call(request).await
    }

    /// Calls `/google.longrunning.Operations/DeleteOperation`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn delete_operation(
        &self,
        request: longrunning::DeleteOperationRequest,
    ) -> Result<(), Error> {
        self.call(request).await
    }

    /// Deletes a user, its identities and all its data, permanently. Its id is never
    /// given to another person. An id `provider|subject` can be given to the same
    /// account again, if the account was the user's own when it was deleted. Only
    /// events (EventService) stay until they are old; they hold ids and no values. A
    /// user token needs a sign-in within the last ten minutes.
    /// Errors: USER_NOT_FOUND, USER_ABSORBED, ABSORBED_USERS_EXIST,
    /// REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn delete_user(
        &self,
        request: v1::DeleteUserRequest,
    ) -> Result<v1::DeleteUserResponse, Error> {
        self.call(request).await
    }

    /// Finds the users that have an identity with this email, in the order of their
    /// ids. By default only emails that count as verified by the tenant's configuration
    /// of today are found (`Identity.email_verified`). If there is no such user, the
    /// page is empty.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn find_by_email(
        &self,
        request: v1::FindByEmailRequest,
    ) -> Result<v1::FindByEmailResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::find_by_email`]. An error is the last item.
    pub fn find_by_email_all(&self, request: v1::FindByEmailRequest) -> Items<v1::EmailMatch> {
        self.pages(request)
    }

    /// Finds the user that holds an identity. An identity that is there is found also if the
    /// tenant no longer declares its provider.
    /// Errors: IDENTITY_NOT_FOUND, PROVIDER_UNKNOWN.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn find_by_identity(
        &self,
        request: v1::FindByIdentityRequest,
    ) -> Result<v1::FindByIdentityResponse, Error> {
        self.call(request).await
    }

    /// Looks for users that are likely one person, and writes a plan of their links.
    /// It changes no user.
    /// Errors: TOO_MANY_OPERATIONS.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn find_duplicates(
        &self,
        request: v1::FindDuplicatesRequest,
    ) -> Result<longrunning::Operation, Error> {
        self.call(request).await
    }

    /// Calls `/google.longrunning.Operations/GetOperation`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn get_operation(
        &self,
        request: longrunning::GetOperationRequest,
    ) -> Result<longrunning::Operation, Error> {
        self.call(request).await
    }

    /// Gets an access token of the provider of an identity, for calls to the provider's API.
    /// The operator keeps tokens of that provider, and lists the services that may get them
    /// (`oauth.tokens`). The tokens are those of the identity's last flow (`StartSignIn`). A
    /// token that expires within a minute is refreshed first, by one request to the provider
    /// for all calls that wait.
    ///
    /// Keep the token in memory only, and get it again for the next use: this call sees at
    /// once that the identity has left the user. The token is a secret of the person.
    /// Errors: USER_NOT_FOUND, USER_ABSORBED, USER_BLOCKED, IDENTITY_NOT_FOUND, also for one
    /// of another user; PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_TOKEN_GONE,
    /// PROVIDER_SCOPES_MISSING, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE; SCOPE_INSUFFICIENT,
    /// also if the operator does not list the service.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn get_provider_token(
        &self,
        request: v1::GetProviderTokenRequest,
    ) -> Result<v1::GetProviderTokenResponse, Error> {
        self.call(request).await
    }

    /// Gets one user. For the id of an absorbed user it returns the holder.
    /// Errors: USER_NOT_FOUND.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn get_user(
        &self,
        request: v1::GetUserRequest,
    ) -> Result<v1::GetUserResponse, Error> {
        self.call(request).await
    }

    /// Links two users into one. The primary user absorbs the secondary: the identities
    /// move, the metadata is merged as requested, and the secondary's id continues to
    /// resolve. If `link_with` proves an account that belongs to no user, the account
    /// is attached directly. With `attach_only` nothing else is done. Repeating the
    /// link while it stands is not an error.
    /// Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, SAME_USER, USER_ABSORBED,
    /// USER_BLOCKED, PROVIDER_UNKNOWN, LINK_TOKEN_INVALID, LINK_TICKET_INVALID,
    /// IDENTITY_TAKEN, EMAIL_NOT_SHARED, TOO_MANY_IDENTITIES, METADATA_CONFLICT,
    /// METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn link(&self, request: v1::LinkRequest) -> Result<v1::LinkResponse, Error> {
        self.call(request).await
    }

    /// Returns the connections of the tenant's configuration, in the order of their names:
    /// those that its enabled providers list, and the names of those that list none. An
    /// account arrives through one of these.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_connections(
        &self,
        request: v1::ListConnectionsRequest,
    ) -> Result<v1::ListConnectionsResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::list_connections`]. An error is the last item.
    pub fn list_connections_all(
        &self,
        request: v1::ListConnectionsRequest,
    ) -> Items<v1::Connection> {
        self.pages(request)
    }

    /// Returns the events after a position, the oldest first, as far as they are
    /// available now.
    /// Errors: POSITION_INVALID, POSITION_EXPIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_events(
        &self,
        request: v1::ListEventsRequest,
    ) -> Result<v1::ListEventsResponse, Error> {
        self.call(request).await
    }

    /// Suggests users to link with a user: those that share an email with it that is
    /// verified on both sides. The likeliest come first: users that were never unlinked
    /// from it, with more shared emails, verified more recently. At most 20.
    ///
    /// A suggestion is no proof, and links nothing. Blocked users are not suggested. As
    /// at a sign-in, an email does not count if its part before the `@` is not ASCII,
    /// or if a provider with `linking = "off"` verified it on either of the two users.
    /// Errors: USER_NOT_FOUND.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_link_candidates(
        &self,
        request: v1::ListLinkCandidatesRequest,
    ) -> Result<v1::ListLinkCandidatesResponse, Error> {
        self.call(request).await
    }

    /// Lists every link that names a user, or a user that it holds now, as its primary
    /// or secondary side. This includes undone links; the newest comes first. For the
    /// id of an absorbed user it lists the links that name that very user. LinkRecord
    /// says what a user token sees of other users.
    /// A service that names no user but a filter lists the links of its whole tenant.
    /// Errors: USER_NOT_FOUND.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_links(
        &self,
        request: v1::ListLinksRequest,
    ) -> Result<v1::ListLinksResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::list_links`]. An error is the last item.
    pub fn list_links_all(&self, request: v1::ListLinksRequest) -> Items<v1::LinkRecord> {
        self.pages(request)
    }

    /// Calls `/google.longrunning.Operations/ListOperations`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_operations(
        &self,
        request: longrunning::ListOperationsRequest,
    ) -> Result<longrunning::ListOperationsResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::list_operations`]. An error is the last item.
    pub fn list_operations_all(
        &self,
        request: longrunning::ListOperationsRequest,
    ) -> Items<longrunning::Operation> {
        self.pages(request)
    }

    /// Lists the providers of the tenant that a login page can offer, in alphabetical
    /// order.
    /// Errors: only those of every call.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_providers(
        &self,
        request: v1::ListProvidersRequest,
    ) -> Result<v1::ListProvidersResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::list_providers`]. An error is the last item.
    pub fn list_providers_all(
        &self,
        request: v1::ListProvidersRequest,
    ) -> Items<v1::SignInProvider> {
        self.pages(request)
    }

    /// Lists the users of the tenant in the order of their ids. Absorbed users are not
    /// listed: their identities are with their holders.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn list_users(
        &self,
        request: v1::ListUsersRequest,
    ) -> Result<v1::ListUsersResponse, Error> {
        self.call(request).await
    }

    /// The items of all pages of [`Self::list_users`]. An error is the last item.
    pub fn list_users_all(&self, request: v1::ListUsersRequest) -> Items<v1::User> {
        self.pages(request)
    }

    /// Merges metadata into that of a user: another user's, given metadata, or what a
    /// link kept. A user token can only give `user_metadata`.
    ///
    /// What the merge in Auth0's documents did depends on its lodash. This is what it
    /// did with versions 3 and 4, and what this call does by default. More rows are in
    /// `docs/reference/auth0-differences.md`.
    ///
    /// | secondary  | primary    | lodash 3    | lodash 4 | here        |
    /// | ---------- | ---------- | ----------- | -------- | ----------- |
    /// | `[1, 2]`   | `[3]`      | `[3, 1, 2]` | `[3, 2]` | `[3, 1, 2]` |
    /// | `[1]`      | `null`     | throws      | `null`   | `null`      |
    /// | `[1]`      | `7`        | throws      | `7`      | `7`         |
    /// | `[1]`      | `"x"`      | `"x1"`      | `"x"`    | `"x"`       |
    /// | `[1]`      | `{"a": 1}` | throws      | `[1]`    | `{"a": 1}`  |
    ///
    /// Errors: USER_NOT_FOUND, LINK_NOT_FOUND, SAME_USER, USER_ABSORBED, USER_BLOCKED,
    /// METADATA_CONFLICT, METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn merge_metadata(
        &self,
        request: v1::MergeMetadataRequest,
    ) -> Result<v1::MergeMetadataResponse, Error> {
        self.call(request).await
    }

    /// Carries out a logout token (OpenID Connect Back-Channel Logout 1.0) that a provider
    /// sent to the service: tokens that name the account and were issued before, up to the
    /// end of that second, are refused from the response on. The user's other accounts keep
    /// theirs. The feed has `identity_logged_out`. The response is the same for an account
    /// that no user has. A token counts once; sending it again is harmless.
    /// Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
    /// PROVIDER_UNAVAILABLE.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn receive_logout_token(
        &self,
        request: v1::ReceiveLogoutTokenRequest,
    ) -> Result<v1::ReceiveLogoutTokenResponse, Error> {
        self.call(request).await
    }

    /// Carries out a security event token (RFC 8417; OpenID RISC and CAEP) that a provider
    /// sent to the service. Each event that is known is in the feed, as
    /// `account_event_reported`. Where the operator says so (`account_events`), it also
    /// withdraws the tokens of the whole user that were issued before. Other events are
    /// ignored. The response is the same for an account that no user has. A token counts
    /// once; sending it again is harmless.
    /// Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
    /// PROVIDER_UNAVAILABLE.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn receive_security_events(
        &self,
        request: v1::ReceiveSecurityEventsRequest,
    ) -> Result<v1::ReceiveSecurityEventsResponse, Error> {
        self.call(request).await
    }

    /// Decides which user signs in with an account that the service itself has verified,
    /// and writes the result: a new user, or the account attached to the user that has its
    /// email. The service's statement about the account is accepted. Two concurrent first
    /// sign-ins lead to one user.
    ///
    /// If the account may belong to a user but this is not certain, only a ticket is
    /// written. With it the person continues: as the candidate (`Link`), after signing in
    /// as that user, or as a user of its own (here). If the tenant asks before it creates
    /// a user (`registration`), also only a ticket is written, with which a second call
    /// creates the user.
    /// Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, EMAIL_MISSING, EMAIL_UNVERIFIED,
    /// USER_BLOCKED, REGISTRATION_CLOSED, TOO_MANY_IDENTITIES, SIGN_IN_INVALID.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn resolve_sign_in(
        &self,
        request: v1::ResolveSignInRequest,
    ) -> Result<v1::ResolveSignInResponse, Error> {
        self.call(request).await
    }

    /// Resolves user ids, live or absorbed, to the users that hold them now. An unknown
    /// id is a result, not an error.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn resolve_users(
        &self,
        request: v1::ResolveUsersRequest,
    ) -> Result<v1::ResolveUsersResponse, Error> {
        self.call(request).await
    }

    /// Makes another identity of the user the primary one. The user's id stays. Its
    /// profile becomes that of the new primary identity. A user token needs a sign-in
    /// within the last ten minutes.
    /// Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
    /// REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn set_primary_identity(
        &self,
        request: v1::SetPrimaryIdentityRequest,
    ) -> Result<v1::SetPrimaryIdentityResponse, Error> {
        self.call(request).await
    }

    /// Starts a flow at a provider, to sign in or to link another account, and returns
    /// where to send the browser. The flow ends in `CompleteSignIn`, once and within ten
    /// minutes.
    /// Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_UNAVAILABLE; for a link also
    /// those of a call with its `user_token`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn start_sign_in(
        &self,
        request: v1::StartSignInRequest,
    ) -> Result<v1::StartSignInResponse, Error> {
        self.call(request).await
    }

    /// Undoes a whole link. The absorbed user comes back with every identity that it
    /// brought and that is still here, and with the users that it had absorbed itself.
    /// What the merge changed is reversed. If the link attached an identity, that
    /// becomes a user of its own, as with `Unlink`. Released identities do not come
    /// back.
    ///
    /// Undoing an undone link succeeds and changes nothing. Tokens are refused as after
    /// `Unlink`. A user token needs a sign-in within the tenant's `max_sign_in_age`.
    ///
    /// Errors: LINK_NOT_FOUND, also for a link of other users; LINK_NOT_UNDOABLE, with
    /// the cause, such as that all identities of the link were released;
    /// METADATA_TOO_LARGE, if the metadata that would come back does not fit beside the
    /// present metadata; VERSION_MISMATCH, USER_BLOCKED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn undo_link(
        &self,
        request: v1::UndoLinkRequest,
    ) -> Result<v1::UndoLinkResponse, Error> {
        self.call(request).await
    }

    /// Takes links back, the newest first, by the rules of `UndoLink`.
    /// Errors: TOO_MANY_OPERATIONS.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn undo_links(
        &self,
        request: v1::UndoLinksRequest,
    ) -> Result<longrunning::Operation, Error> {
        self.call(request).await
    }

    /// Detaches one identity from its user. If it is the last identity here of an
    /// absorbed user, that user comes back under its own id, with its profile and
    /// metadata as they were. Otherwise the identity becomes a user of its own without
    /// metadata. For a user token `app_metadata` does not come back.
    ///
    /// Tokens issued before the call are refused for both users. If a user token calls,
    /// that token alone stays valid for its own user, so that it can repeat the call. A
    /// user token needs a sign-in within the tenant's `max_sign_in_age`. With
    /// UNLINK_MODE_RELEASE the user gives the account up, and no user comes back: see
    /// UnlinkMode.
    /// Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
    /// LAST_IDENTITY, PRIMARY_IDENTITY, REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn unlink(&self, request: v1::UnlinkRequest) -> Result<v1::UnlinkResponse, Error> {
        self.call(request).await
    }

    /// Replaces the named fields of a user. A user token can only name `user_metadata`.
    /// Errors: USER_NOT_FOUND, USER_ABSORBED, SCOPE_INSUFFICIENT,
    /// REAUTHENTICATION_REQUIRED.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn update_user(
        &self,
        request: v1::UpdateUserRequest,
    ) -> Result<v1::UpdateUserResponse, Error> {
        self.call(request).await
    }

    /// Calls `/google.longrunning.Operations/WaitOperation`.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn wait_operation(
        &self,
        request: longrunning::WaitOperationRequest,
    ) -> Result<longrunning::Operation, Error> {
        self.call(request).await
    }
}
