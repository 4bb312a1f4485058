//! The calls of the storm, the refusals that they may get, and what their responses contain.

use identity_link::grpc::proto as pb;

use crate::support::{Caller, refusal};

/// The caller of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A backend.
    Service,
    /// The person of the identity with this number.
    Person(usize),
}

/// One variant per rpc: the request, the response, and the refusals that a service and a person may
/// get.
macro_rules! calls {
    ($($kind:ident $rpc:ident $request:ident => $response:ident
        service [$($service:literal),*] person [$($person:literal),*];)+) => {
        /// A call that requests a change.
        #[derive(Debug, Clone)]
        pub(crate) enum Call {
            $($kind(pb::$request)),+
        }

        /// The response to a call.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Answer {
            $($kind(pb::$response)),+
        }

        impl Call {
            /// The names of all kinds.
            pub(crate) const KINDS: &[&str] = &[$(stringify!($kind)),+];

            /// The name of the kind.
            pub(crate) fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($kind)),+ }
            }

            /// The same call under this request id.
            pub(crate) fn under(mut self, id: String) -> Self {
                match &mut self { $(Self::$kind(request) => request.request_id = id),+ }
                self
            }

            /// The preview of the call.
            pub(crate) fn preview(mut self) -> Self {
                match &mut self { $(Self::$kind(request) => request.validate_only = true),+ }
                self
            }

            /// Makes the call.
            pub(crate) async fn make(&self, caller: &Caller) -> Result<Answer, String> {
                match self {
                    $(Self::$kind(request) => match caller.$rpc(request.clone()).await {
                        Ok(answer) => Ok(Answer::$kind(answer)),
                        refused => Err(refusal(refused)),
                    }),+
                }
            }

            /// The refusals that the call may get while other writers create, link and delete
            /// users.
            pub(crate) fn refusals(&self, who: Who) -> &'static [&'static str] {
                match (self, who) {
                    $((Self::$kind(_), Who::Service) => &[$($service),*],
                      (Self::$kind(_), Who::Person(_)) => &[$($person),*]),+
                }
            }
        }
    };
}

// A person gets REAUTHENTICATION_REQUIRED if the account of its token has moved to another user
// since the sign-in. It gets NOT_YOUR_USER if it repeats a call about a user that it has left
// since.
calls! {
    Create create_user CreateUserRequest => CreateUserResponse
        service ["AlreadyExists IDENTITY_TAKEN"] person [];
    Link link LinkRequest => LinkResponse
        service ["NotFound USER_NOT_FOUND", "NotFound IDENTITY_NOT_FOUND", "FailedPrecondition USER_ABSORBED"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED",
            "PermissionDenied NOT_YOUR_USER", "FailedPrecondition LINK_TOKEN_INVALID",
            "AlreadyExists IDENTITY_TAKEN"];
    Unlink unlink UnlinkRequest => UnlinkResponse
        service ["NotFound USER_NOT_FOUND", "NotFound IDENTITY_NOT_FOUND", "FailedPrecondition USER_ABSORBED",
            "FailedPrecondition LAST_IDENTITY", "FailedPrecondition PRIMARY_IDENTITY"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED",
            "PermissionDenied NOT_YOUR_USER", "NotFound IDENTITY_NOT_FOUND",
            "FailedPrecondition LAST_IDENTITY", "FailedPrecondition PRIMARY_IDENTITY"];
    Undo undo_link UndoLinkRequest => UndoLinkResponse
        service ["NotFound LINK_NOT_FOUND", "FailedPrecondition LINK_NOT_UNDOABLE",
            "FailedPrecondition LAST_IDENTITY", "FailedPrecondition PRIMARY_IDENTITY"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED", "PermissionDenied NOT_YOUR_USER", "NotFound LINK_NOT_FOUND",
            "FailedPrecondition LINK_NOT_UNDOABLE", "FailedPrecondition LAST_IDENTITY",
            "FailedPrecondition PRIMARY_IDENTITY"];
    Merge merge_metadata MergeMetadataRequest => MergeMetadataResponse
        service ["NotFound USER_NOT_FOUND", "NotFound LINK_NOT_FOUND", "FailedPrecondition USER_ABSORBED",
            "InvalidArgument SAME_USER"]
        person [];
    Update update_user UpdateUserRequest => UpdateUserResponse
        service ["NotFound USER_NOT_FOUND", "FailedPrecondition USER_ABSORBED", "Aborted VERSION_MISMATCH"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED", "PermissionDenied NOT_YOUR_USER"];
    SetPrimary set_primary_identity SetPrimaryIdentityRequest => SetPrimaryIdentityResponse
        service ["NotFound USER_NOT_FOUND", "NotFound IDENTITY_NOT_FOUND", "FailedPrecondition USER_ABSORBED"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED",
            "PermissionDenied NOT_YOUR_USER", "NotFound IDENTITY_NOT_FOUND"];
    // The account moved in a later second than the one in which the call began.
    SignIn resolve_sign_in ResolveSignInRequest => ResolveSignInResponse
        service ["FailedPrecondition SIGN_IN_INVALID"] person [];
    Delete delete_user DeleteUserRequest => DeleteUserResponse
        service ["NotFound USER_NOT_FOUND", "FailedPrecondition USER_ABSORBED", "Aborted VERSION_MISMATCH",
            "FailedPrecondition ABSORBED_USERS_EXIST"]
        person ["NotFound USER_NOT_FOUND", "Unauthenticated TOKEN_INVALID",
            "PermissionDenied REAUTHENTICATION_REQUIRED",
            "PermissionDenied NOT_YOUR_USER", "FailedPrecondition ABSORBED_USERS_EXIST"];
}

/// Other calls were faster, three times in a row.
pub(super) const OVERTAKEN: &str = "Aborted CONFLICT_RETRY";

impl Call {
    /// Whether such a refusal means that a user is deleted.
    pub(super) fn says_deleted(&self, who: Who, refused: &str) -> bool {
        match (self, who) {
            // LINK_NOT_FOUND may mean a link of other users.
            (Self::Undo(_), Who::Person(_)) => refused == "NotFound USER_NOT_FOUND",
            _ => ["NotFound USER_NOT_FOUND", "NotFound LINK_NOT_FOUND"].contains(&refused),
        }
    }
}

impl Answer {
    /// The users that the response contains in full.
    pub(crate) fn users(&self, who: Who) -> Vec<&pb::User> {
        let (own, other) = match self {
            Self::Create(answer) => (&answer.user, &None),
            Self::Link(answer) => (&answer.user, &None),
            Self::Unlink(answer) => (&answer.user, &answer.detached_user),
            Self::Undo(answer) => (&answer.user, &answer.restored_user),
            Self::Merge(answer) => (&answer.user, &None),
            Self::Update(answer) => (&answer.user, &None),
            Self::SetPrimary(answer) => (&answer.user, &None),
            Self::SignIn(answer) => {
                (answer.decision.as_ref().map_or(&None, |decision| &decision.user), &None)
            }
            Self::Delete(_) => (&None, &None),
        };
        // A person does not see all of a user that it did not prove.
        own.iter().chain(other.iter().filter(|_| who == Who::Service)).collect()
    }

    /// The ids of the live users in the response.
    pub(super) fn user_ids(&self) -> Vec<&String> {
        self.users(Who::Service).into_iter().map(|user| &user.id).collect()
    }

    /// The link that the call made.
    pub(crate) fn made_link(&self) -> Option<&pb::LinkRecord> {
        match self {
            Self::Link(answer) if answer.outcome() != pb::link_response::Outcome::AlreadyLinked => {
                answer.link.as_ref()
            }
            Self::SignIn(answer) => answer.decision.as_ref()?.link.as_ref(),
            _ => None,
        }
    }

    /// Whether this is the response to the retry of a call by which the caller left its user: the
    /// same without that user.
    pub(super) fn is_retold_of(&self, first: &Self) -> bool {
        match (self, first) {
            (Self::Unlink(again), Self::Unlink(first)) => {
                again.user.is_none()
                    && again.detached_user == first.detached_user
                    && again.link_id == first.link_id
            }
            (Self::Undo(again), Self::Undo(first)) => {
                again.user.is_none()
                    && again.link.is_none()
                    && again.restored_user == first.restored_user
            }
            _ => false,
        }
    }

    /// The link that the call ended, or found ended.
    pub(super) fn ended_link(&self) -> Option<&str> {
        match self {
            Self::Unlink(answer) => Some(answer.link_id.as_str()).filter(|id| !id.is_empty()),
            Self::Undo(answer) => answer.link.as_ref().map(|link| link.id.as_str()),
            _ => None,
        }
    }

    /// The ids of the users that the call deleted.
    pub(super) fn deleted(&self) -> &[String] {
        match self {
            Self::Delete(answer) => &answer.deleted_user_ids,
            _ => &[],
        }
    }
}
