//! `CreateUser`, `GetUser`, `ListUsers`, `UpdateUser`, `DeleteUser`.

use std::mem::take;

use uuid::Uuid;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::{EmailVerification, MetadataUpdate, User, UserId},
    feed::PositionCodec,
    grpc::{
        page::{self, PageTokens},
        proto as pb,
        requests::{Checks, NOT_ITS_CONNECTION},
        responses,
    },
    use_cases::{CreateUser, DeleteUser, Error, UpdateUser, read_user},
};

impl IdentityHandler {
    pub(super) async fn create_user(
        &self,
        permit: Permit,
        mut request: pb::CreateUserRequest,
    ) -> Result<pb::CreateUserResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let tenant = self.use_cases.tenant(&permit)?;
        let identity = checks.new_identity(
            "identity",
            request.identity,
            &EmailVerification { time: clock::now(), by: permit.caller().verifier() },
        );
        if identity
            .as_ref()
            .is_some_and(|of| !tenant.has_connection(&of.id.provider, &of.connection))
        {
            checks.report("identity.connection", NOT_ITS_CONNECTION);
        }
        let user_id_form = checks.user_id_form("user_id_form", request.user_id_form);
        let user_metadata = checks.metadata("user_metadata", request.user_metadata);
        let app_metadata = checks.metadata("app_metadata", request.app_metadata);
        let profile_overrides = checks.metadata("profile_overrides", request.profile_overrides);
        let identity = checks.into_result_with(identity)?;
        let joined = identity.id.as_user_id();
        let validate_only = request.validate_only;
        let create = CreateUser {
            permit,
            identity,
            user_id_form,
            user_metadata,
            app_metadata,
            profile_overrides,
            blocked: request.blocked,
            validate_only,
        };
        let reply = move |user: User| {
            let is_random = joined.as_ref() != Some(&user.id);
            let user = if validate_only && is_random {
                responses::without_id(&user)
            } else {
                responses::user(&user)
            };
            pb::CreateUserResponse { user: Some(user) }
        };
        self.use_cases.run(create, request_id, reply).await
    }

    pub(super) async fn get_user(
        &self,
        permit: Permit,
        request: pb::GetUserRequest,
    ) -> Result<pb::GetUserResponse, Error> {
        let mut checks = Checks::default();
        let target = checks.target("user_id", &permit, &request.user_id);
        let target = checks.into_result_with(target)?;
        let reads = self.use_cases.store().reads(permit.tenant())?;
        let user = read_user(reads, &target, clock::now()).await?;
        Ok(pb::GetUserResponse { user: Some(responses::user(&user)) })
    }

    pub(super) async fn list_users(
        &self,
        permit: Permit,
        request: pb::ListUsersRequest,
    ) -> Result<pb::ListUsersResponse, Error> {
        let mut checks = Checks::default();
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let pages =
            PageTokens::for_query(self.use_cases.store().key(permit.tenant())?, "ListUsers", &[]);
        let after = pages.open(&request.page_token);
        if after.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let after = checks.into_result_with(after)?;
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let position = match after.is_empty() {
            // Read first: later events come after it, whether the list contains their effects or
            // not.
            true => {
                let horizon = session.horizon().await?;
                let newest = session.newest_position(horizon).await?;
                PositionCodec::new(self.use_cases.store().key(permit.tenant())?)?.text(newest)
            }
            false => String::new(),
        };
        let found = session.live_users(&after, size + 1).await?;
        let mut users: Vec<_> = found.iter().map(responses::user).collect();
        users.truncate(page::fitting(&users, size));
        let last = users.last().filter(|_| users.len() < found.len());
        let next_page_token = last.map(|last| pages.token_after(&last.id)).unwrap_or_default();
        Ok(pb::ListUsersResponse { users, next_page_token, position })
    }

    pub(super) async fn update_user(
        &self,
        permit: Permit,
        mut request: pb::UpdateUserRequest,
    ) -> Result<pb::UpdateUserResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let update = request.update.unwrap_or_default();
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            checks.report("update_mask", "is required: name the fields to replace");
        }
        let known = ["user_metadata", "app_metadata", "profile_overrides", "blocked"];
        for path in mask.iter().filter(|path| !known.contains(&path.as_str())) {
            let shown: String = path.chars().filter(|c| !c.is_control()).take(64).collect();
            checks.report("update_mask", format!("must name {}, not {shown:?}", known.join(", ")));
        }
        let named = |field: &str| mask.iter().any(|path| path == field);
        let mut replaced = |field: &str, given| {
            named(field).then(|| {
                MetadataUpdate::Replace(checks.metadata(&format!("update.{field}"), given))
            })
        };
        let user_metadata = replaced("user_metadata", update.user_metadata);
        let app_metadata = replaced("app_metadata", update.app_metadata);
        let profile_overrides = replaced("profile_overrides", update.profile_overrides);
        let blocked = named("blocked").then_some(update.blocked);
        let target = checks.into_result_with(target)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let update = UpdateUser {
            permit,
            target,
            user_metadata,
            app_metadata,
            profile_overrides,
            blocked,
            expected_version,
            validate_only,
            now,
        };
        let reply = |user: User| pb::UpdateUserResponse { user: Some(responses::user(&user)) };
        self.use_cases.run(update, request_id, reply).await
    }

    pub(super) async fn delete_user(
        &self,
        permit: Permit,
        mut request: pb::DeleteUserRequest,
    ) -> Result<pb::DeleteUserResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let target = checks.into_result_with(target)?;
        let pb::DeleteUserRequest { expected_version, include_absorbed, validate_only, .. } =
            request;
        let (erasure, now) = (Uuid::new_v4(), clock::now());
        let delete = DeleteUser {
            permit,
            target,
            expected_version,
            include_absorbed,
            validate_only,
            erasure,
            now,
        };
        let reply = |deleted: Vec<UserId>| pb::DeleteUserResponse {
            deleted_user_ids: deleted.iter().map(ToString::to_string).collect(),
        };
        self.use_cases.run(delete, request_id, reply).await
    }
}
