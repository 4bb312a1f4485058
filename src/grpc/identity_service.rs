//! `identity.v1.IdentityService`: one function per rpc, from message to message.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    answers,
    page::Pages,
    proto::{self as pb, identity_service_server::IdentityService},
    requests::Checks,
    status,
};
use crate::{
    auth::{Permit, Purpose},
    clock,
    domain::{Named, Refusal, linking::LinkTerms, merge::Strategy, unlinking::Departure},
    linking::{
        CreateUser, DeleteUser, Error, Link, Linking, MergeMetadata, MergeSource, Outcome, Secondary,
        SetPrimaryIdentity, Unlink, UpdateUser, resolve,
    },
    store::Question,
};

/// The largest page, in users.
const MAX_PAGE: usize = 100;
/// The page of whoever does not say.
const DEFAULT_PAGE: usize = 50;
/// How many ids are resolved at once.
const MAX_RESOLVED: usize = 1000;

/// Answers the rpcs of `IdentityService`.
pub struct IdentityHandler {
    linking: Arc<Linking>,
}

impl IdentityHandler {
    /// Answers by these use cases.
    pub fn new(linking: Arc<Linking>) -> Self {
        Self { linking }
    }
}

/// Takes a request apart: the permit that the gate left, and the message.
fn permitted<T>(request: Request<T>) -> Result<(Permit, T), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let permit = extensions
        .remove::<Permit>()
        .ok_or_else(|| status::status(Error::Fault("a call came past the gate without a permit".to_owned())))?;
    Ok((permit, message))
}

/// Writes the rpcs of the service as functions from permit and message to answer.
macro_rules! rpcs {
    ($($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl IdentityService for IdentityHandler {
            $(
                async fn $name(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                    let (permit, message) = permitted(request)?;
                    IdentityHandler::$name(self, permit, message).await.map(Response::new).map_err(status::status)
                }
            )+
        }
    };
}

rpcs! {
    link: LinkRequest => LinkResponse,
    unlink: UnlinkRequest => UnlinkResponse,
    find_by_email: FindByEmailRequest => FindByEmailResponse,
    merge_metadata: MergeMetadataRequest => MergeMetadataResponse,
    create_user: CreateUserRequest => CreateUserResponse,
    get_user: GetUserRequest => GetUserResponse,
    update_user: UpdateUserRequest => UpdateUserResponse,
    delete_user: DeleteUserRequest => DeleteUserResponse,
    find_by_identity: FindByIdentityRequest => FindByIdentityResponse,
    resolve_users: ResolveUsersRequest => ResolveUsersResponse,
    set_primary_identity: SetPrimaryIdentityRequest => SetPrimaryIdentityResponse,
}

impl IdentityHandler {
    async fn link(&self, permit: Permit, request: pb::LinkRequest) -> Result<pb::LinkResponse, Error> {
        use pb::link_request::Secondary as Named;
        let now = clock::now();
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let user_metadata = checks.strategy("user_metadata", request.user_metadata);
        let app_metadata = checks.strategy("app_metadata", request.app_metadata);
        let mut named = None;
        let mut token = None;
        match &request.secondary {
            None => checks.wrong("secondary", "is required: link_with, identity or secondary_user_id"),
            Some(Named::LinkWith(link_with)) => token = Some(link_with),
            Some(Named::Identity(identity)) => {
                named = checks.identity("identity", Some(identity)).map(Secondary::Identity);
            }
            Some(Named::SecondaryUserId(id)) => {
                named = checks.user_id("secondary_user_id", id).map(Secondary::User);
            }
        }
        if token.is_some_and(String::is_empty) {
            checks.wrong("link_with", "must be a token of the secondary user");
        }
        checks.finish()?;
        if token.is_none() {
            permit.services_only("name the secondary user without a proof: send its token in link_with")?;
        }
        if app_metadata != Strategy::KeepPrimary {
            permit.services_only("merge app_metadata")?;
        }
        let target = permit.target(user_id)?;
        let secondary = match (token, named) {
            (Some(token), _) => self.linking.verify_link_with(&permit, token, now)?,
            (None, named) => named.ok_or_else(|| Error::Fault("a checked field is missing".to_owned()))?,
        };
        let validate_only = request.validate_only;
        let terms = LinkTerms {
            user_metadata,
            app_metadata,
            expected_version: request.expected_version,
            expected_secondary_version: request.expected_secondary_version,
            require_shared_verified_email: request.require_shared_verified_email,
        };
        let answer = self.linking.run(Link { permit, target, secondary, terms, validate_only, now }).await?;
        let outcome = match answer.outcome {
            Outcome::Absorbed => pb::link_response::Outcome::Absorbed,
            Outcome::Attached => pb::link_response::Outcome::Attached,
            Outcome::AlreadyLinked => pb::link_response::Outcome::AlreadyLinked,
        };
        let is_new = answer.outcome != Outcome::AlreadyLinked;
        Ok(pb::LinkResponse {
            user: Some(answers::user(&answer.user)),
            outcome: outcome.into(),
            link: answer.link.map(|link| answers::link(&link, validate_only && is_new)),
            metadata_changes: answers::changes(&answer.changes),
        })
    }

    async fn unlink(&self, permit: Permit, request: pb::UnlinkRequest) -> Result<pb::UnlinkResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let metadata = checks.unlink_metadata("metadata", request.metadata, permit.is_service());
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.finish_with(identity)?;
        let target = permit.target(user_id)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let unlink = Unlink { permit, target, identity, metadata, expected_version, validate_only, now };
        let answer = self.linking.run(unlink).await?;
        let user = Some(answers::user(&answer.user));
        Ok(match answer.departure {
            Departure::Restored { user: detached, link, withheld } => pb::UnlinkResponse {
                user,
                detached_user: Some(answers::user(&detached)),
                restored: true,
                metadata_changes: answers::withheld(&withheld),
                link_id: link.to_string(),
            },
            Departure::Created { user: detached, link } => pb::UnlinkResponse {
                user,
                link_id: link.map(|link| link.to_string()).unwrap_or_default(),
                detached_user: Some(if validate_only { nameless(&detached) } else { answers::user(&detached) }),
                ..pb::UnlinkResponse::default()
            },
        })
    }

    async fn find_by_email(
        &self,
        permit: Permit,
        request: pb::FindByEmailRequest,
    ) -> Result<pb::FindByEmailResponse, Error> {
        let mut checks = Checks::default();
        let email = checks.email("email", &request.email);
        let size = match usize::try_from(request.page_size) {
            Ok(0) => DEFAULT_PAGE,
            Ok(size) if size <= MAX_PAGE => size,
            _ => {
                checks.wrong("page_size", format!("must be 0 to {MAX_PAGE}"));
                DEFAULT_PAGE
            }
        };
        let canonical = email.as_ref().map(super::super::domain::email::Email::canonical).unwrap_or_default();
        let unverified = request.include_unverified;
        let key = self.linking.store().key(permit.tenant())?;
        let pages = Pages::of(key, "FindByEmail", &[canonical, if unverified { "all" } else { "verified" }]);
        let after = pages.open(&request.page_token);
        if after.is_none() {
            checks.wrong("page_token", "is not one that this question was answered with");
        }
        let (canonical, after) = checks.finish_with(email.as_ref().map(|_| canonical).zip(after))?;

        let mut session = self.linking.store().session(permit.tenant()).await?;
        let mut users = session.users_by_email(canonical, unverified, &after, size + 1).await?;
        let more = users.len() > size;
        users.truncate(size);
        let next = users.last().filter(|_| more).map(|last| pages.token_after(last.id.as_str()));
        let matches = users.iter().map(|user| {
            let found = user.identities_primary_first().filter_map(|identity| {
                let email = identity.email.as_ref()?;
                let fits = email.canonical.as_deref() == Some(canonical);
                (fits && (unverified || email.verify_time.is_some())).then_some((identity, email))
            });
            let found: Vec<_> = found.collect();
            pb::EmailMatch {
                user: Some(answers::user(user)),
                identities: found.iter().map(|(identity, _)| answers::identity_ref(&identity.id)).collect(),
                verified: found.iter().any(|(_, email)| email.verify_time.is_some()),
            }
        });
        Ok(pb::FindByEmailResponse { matches: matches.collect(), next_page_token: next.unwrap_or_default() })
    }

    async fn merge_metadata(
        &self,
        permit: Permit,
        request: pb::MergeMetadataRequest,
    ) -> Result<pb::MergeMetadataResponse, Error> {
        use pb::merge_metadata_request::Source;
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let user_metadata = checks.strategy("user_metadata", request.user_metadata);
        let app_metadata = checks.strategy("app_metadata", request.app_metadata);
        if user_metadata == Strategy::KeepPrimary && app_metadata == Strategy::KeepPrimary {
            checks.wrong(
                "user_metadata.strategy",
                "or app_metadata.strategy must be STRATEGY_MERGE: else nothing is merged",
            );
        }
        let gives_app_metadata = match &request.source {
            Some(Source::Given(given)) => Some(given.app_metadata.is_some()),
            _ => None,
        };
        let source = match request.source {
            None => {
                checks.wrong("source", "is required: source_user_id, given or link_id");
                None
            }
            Some(Source::SourceUserId(id)) => checks.user_id("source_user_id", &id).map(MergeSource::User),
            Some(Source::LinkId(id)) => checks.link_id("link_id", &id).map(MergeSource::Link),
            Some(Source::Given(given)) => Some(MergeSource::Given {
                user_metadata: checks.metadata("given.user_metadata", given.user_metadata),
                app_metadata: checks.metadata("given.app_metadata", given.app_metadata),
            }),
        };
        let source = checks.finish_with(source)?;
        if gives_app_metadata.is_none() {
            permit.services_only("merge what it does not give itself")?;
        }
        if app_metadata != Strategy::KeepPrimary || gives_app_metadata == Some(true) {
            permit.services_only("merge app_metadata")?;
        }
        let target = permit.target(user_id)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let merge =
            MergeMetadata { permit, target, source, user_metadata, app_metadata, expected_version, validate_only, now };
        let answer = self.linking.run(merge).await?;
        Ok(pb::MergeMetadataResponse {
            user: Some(answers::user(&answer.user)),
            metadata_changes: answers::changes(&answer.changes),
        })
    }

    async fn create_user(
        &self,
        permit: Permit,
        request: pb::CreateUserRequest,
    ) -> Result<pb::CreateUserResponse, Error> {
        let now = clock::now();
        let mut checks = Checks::default();
        let identity = checks.new_identity("identity", request.identity, now);
        let user_id_form = checks.user_id_form("user_id_form", request.user_id_form);
        let user_metadata = checks.metadata("user_metadata", request.user_metadata);
        let app_metadata = checks.metadata("app_metadata", request.app_metadata);
        let profile_overrides = checks.metadata("profile_overrides", request.profile_overrides);
        let identity = checks.finish_with(identity)?;
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
            now,
        };
        let user = self.linking.run(create).await?;
        let is_random = joined.as_ref() != Some(&user.id);
        Ok(pb::CreateUserResponse {
            user: Some(if validate_only && is_random { nameless(&user) } else { answers::user(&user) }),
        })
    }

    async fn get_user(&self, permit: Permit, request: pb::GetUserRequest) -> Result<pb::GetUserResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        checks.finish()?;
        let target = permit.target(user_id)?;
        let mut session = self.linking.store().session(permit.tenant()).await?;
        let user = match target.named_by_service() {
            Some(id) => session.user_by_id(id).await?,
            None => {
                let (id, []) = resolve(&mut session, &target, Purpose::Read, [], clock::now()).await?;
                session.user_by_id(&id).await?
            }
        };
        let user = user.ok_or(Refusal::UserNotFound)?;
        Ok(pb::GetUserResponse { user: Some(answers::user(&user)) })
    }

    async fn update_user(
        &self,
        permit: Permit,
        request: pb::UpdateUserRequest,
    ) -> Result<pb::UpdateUserResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let update = request.update.unwrap_or_default();
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            checks.wrong("update_mask", "is required: name the fields to replace");
        }
        let known = ["user_metadata", "app_metadata", "profile_overrides", "blocked"];
        for path in mask.iter().filter(|path| !known.contains(&path.as_str())) {
            let shown: String = path.chars().filter(|c| !c.is_control()).take(64).collect();
            checks.wrong("update_mask", format!("must name {}, not {shown:?}", known.join(", ")));
        }
        let named = |field: &str| mask.iter().any(|path| path == field);
        let mut replaced =
            |field: &str, given| named(field).then(|| checks.metadata(&format!("update.{field}"), given));
        let user_metadata = replaced("user_metadata", update.user_metadata);
        let app_metadata = replaced("app_metadata", update.app_metadata);
        let profile_overrides = replaced("profile_overrides", update.profile_overrides);
        let blocked = named("blocked").then_some(update.blocked);
        checks.finish()?;
        if app_metadata.is_some() || profile_overrides.is_some() || blocked.is_some() {
            permit.services_only("update anything but user_metadata")?;
        }
        let target = permit.target(user_id)?;
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
        let user = self.linking.run(update).await?;
        Ok(pb::UpdateUserResponse { user: Some(answers::user(&user)) })
    }

    async fn delete_user(
        &self,
        permit: Permit,
        request: pb::DeleteUserRequest,
    ) -> Result<pb::DeleteUserResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        checks.finish()?;
        let target = permit.target(user_id)?;
        let pb::DeleteUserRequest { expected_version, include_absorbed, validate_only, .. } = request;
        let now = clock::now();
        let delete = DeleteUser { permit, target, expected_version, include_absorbed, validate_only, now };
        let deleted = self.linking.run(delete).await?;
        Ok(pb::DeleteUserResponse { deleted_user_ids: deleted.iter().map(ToString::to_string).collect() })
    }

    async fn find_by_identity(
        &self,
        permit: Permit,
        request: pb::FindByIdentityRequest,
    ) -> Result<pb::FindByIdentityResponse, Error> {
        let mut checks = Checks::default();
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.finish_with(identity)?;
        let mut session = self.linking.store().session(permit.tenant()).await?;
        let user = session.user_by_identity(&identity).await?.ok_or(Refusal::IdentityNotFound)?;
        Ok(pb::FindByIdentityResponse { user: Some(answers::user(&user)) })
    }

    async fn resolve_users(
        &self,
        permit: Permit,
        request: pb::ResolveUsersRequest,
    ) -> Result<pb::ResolveUsersResponse, Error> {
        use pb::resolved_user::State;
        let mut checks = Checks::default();
        if request.user_ids.is_empty() || request.user_ids.len() > MAX_RESOLVED {
            checks.wrong("user_ids", format!("must be 1 to {MAX_RESOLVED} ids"));
            checks.finish()?;
            return Err(Error::Fault("a wrong field was not refused".to_owned()));
        }
        let ids = request.user_ids.iter().enumerate();
        let ids: Vec<_> = ids.filter_map(|(at, id)| checks.user_id(&format!("user_ids[{at}]"), id)).collect();
        checks.finish()?;
        let questions: Vec<_> = ids.iter().cloned().map(|id| Question::from(Named::UserId(id))).collect();
        let mut session = self.linking.store().session(permit.tenant()).await?;
        let known = session.standing(&questions).await?;
        let users = ids.iter().zip(known).map(|(id, known)| {
            let requested_id = id.to_string();
            let (state, user_id, since, link) = match (known.standing, known.delete_time) {
                (Some(user), _) => match user.absorbed {
                    None => (State::Current, user.holder.to_string(), Some(user.create_time), None),
                    Some(by) => (State::Absorbed, user.holder.to_string(), Some(by.time), Some(by.by_link)),
                },
                (None, Some(deleted)) => (State::Deleted, String::new(), Some(deleted), None),
                (None, None) => (State::Unknown, String::new(), None, None),
            };
            pb::ResolvedUser {
                requested_id,
                state: state.into(),
                user_id,
                since_time: since.map(answers::time),
                link_id: link.map(|link| link.to_string()).unwrap_or_default(),
            }
        });
        Ok(pb::ResolveUsersResponse { users: users.collect() })
    }

    async fn set_primary_identity(
        &self,
        permit: Permit,
        request: pb::SetPrimaryIdentityRequest,
    ) -> Result<pb::SetPrimaryIdentityResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.finish_with(identity)?;
        let target = permit.target(user_id)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let set = SetPrimaryIdentity { permit, target, identity, expected_version, validate_only, now };
        let user = self.linking.run(set).await?;
        Ok(pb::SetPrimaryIdentityResponse { user: Some(answers::user(&user)) })
    }
}

/// A user in a preview, whose random id there will be only once it is made.
fn nameless(user: &crate::domain::User) -> pb::User {
    let mut user = answers::user(user);
    for identity in user.identities.iter_mut().filter(|identity| identity.home_user_id == user.id) {
        identity.home_user_id.clear();
    }
    user.id.clear();
    user
}
