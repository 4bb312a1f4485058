//! The statuses of the refusals of the rules.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{DOMAIN, details, plain, reason_name, retry};
use crate::{
    domain::{DomainError, Violation, metadata::printable_path},
    grpc::proto::Reason,
};

/// The most bytes of paths and descriptions in one refusal. It travels in headers in base64, and
/// many clients accept 8 KiB of headers: a longer refusal would not arrive at all.
const MAX_DETAILS: usize = 4 * 1024;
/// The overhead of an entry, in bytes.
const ENTRY: usize = 24;
/// The last entry of a list that did not fit.
const MORE: &str = "there are more: correct these first";

/// The status of a request that the rules refuse.
pub fn from_domain_error(refusal: DomainError) -> Status {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    match refusal {
        DomainError::Invalid(violations) => invalid(&violations),
        DomainError::RequestIdReused => plain(
            InvalidArgument,
            Reason::RequestIdReused,
            "this request_id was used for another request: make a new one for each request, and keep it for its retries",
        ),
        DomainError::SameUser => plain(
            InvalidArgument,
            Reason::SameUser,
            "both sides name the same identity or user: name two different ones",
        ),
        DomainError::LinkTokenInvalid(_) => plain(
            FailedPrecondition,
            Reason::LinkTokenInvalid,
            "link_with was not accepted: let the person sign in as the secondary user again and send its new token, once",
        ),
        DomainError::LinkTicketInvalid => plain(
            FailedPrecondition,
            Reason::LinkTicketInvalid,
            "link_ticket was not accepted: let the person sign in again, and link as the candidate that the ticket was given for",
        ),
        DomainError::SignInInvalid => plain(
            FailedPrecondition,
            Reason::SignInInvalid,
            "this sign-in cannot continue: it has expired, was used, or is not this caller's; begin it again",
        ),
        DomainError::ProviderDisabled => plain(
            FailedPrecondition,
            Reason::ProviderDisabled,
            "no user can sign in with this provider: it is disabled or link-only; choose another",
        ),
        DomainError::ProviderUnknown => plain(
            NotFound,
            Reason::ProviderUnknown,
            "this tenant declares no such provider, or none at which a sign-in can start: check the name, or have the operator declare it",
        ),
        DomainError::ProviderRejected => plain(
            FailedPrecondition,
            Reason::ProviderRejected,
            "the provider did not accept this sign-in, or its response is invalid: begin it again",
        ),
        DomainError::ProviderUnavailable => retry(
            Code::Unavailable,
            Reason::ProviderUnavailable,
            "the provider is unavailable right now: repeat a call that has a request_id, or begin the sign-in again later",
        ),
        DomainError::ProviderTokenGone => plain(
            FailedPrecondition,
            Reason::ProviderTokenGone,
            "no token of the provider is kept for this identity, or its grant has ended: let the person sign in or link there again",
        ),
        DomainError::ProviderScopesMissing(scopes) => scopes_missing(&scopes),
        DomainError::ProviderEventsOff => plain(
            FailedPrecondition,
            Reason::ProviderEventsOff,
            "tokens that report events of this provider are not accepted: have the operator set events",
        ),
        DomainError::EventTokenInvalid(problem) => {
            plain(InvalidArgument, Reason::EventTokenInvalid, problem.advice())
        }
        DomainError::EmailMissing => plain(
            FailedPrecondition,
            Reason::EmailMissing,
            "the provider sends no email, and a new user needs one: let the person add one there and sign in again",
        ),
        DomainError::EmailUnverified => plain(
            FailedPrecondition,
            Reason::EmailUnverified,
            "the email is not verified by a provider that is trusted with it: let the person verify it there and sign in again",
        ),
        DomainError::RegistrationClosed => plain(
            FailedPrecondition,
            Reason::RegistrationClosed,
            "no user has this account, and a sign-in creates no user in this tenant: let a service create the user first",
        ),
        DomainError::EmailNotShared => plain(
            FailedPrecondition,
            Reason::EmailNotShared,
            "the two users share no email that is verified on both sides: verify one, or link with a token of each",
        ),
        DomainError::UserNotFound => plain(
            NotFound,
            Reason::UserNotFound,
            "there is no such user in this tenant: check the id; a user token's own user begins with CreateUser",
        ),
        DomainError::IdentityNotFound => plain(
            NotFound,
            Reason::IdentityNotFound,
            "there is no such identity here: check provider and subject",
        ),
        DomainError::LinkNotFound => plain(
            NotFound,
            Reason::LinkNotFound,
            "there is no such link in this tenant: check the id",
        ),
        DomainError::UserAbsorbed => plain(
            FailedPrecondition,
            Reason::UserAbsorbed,
            "this user was absorbed into another: resolve its id and name the current user",
        ),
        DomainError::UserBlocked => {
            plain(FailedPrecondition, Reason::UserBlocked, "the user is blocked: unblock it first")
        }
        DomainError::IdentityTaken => plain(
            AlreadyExists,
            Reason::IdentityTaken,
            "the identity belongs to a user already: find it, and link the two users instead",
        ),
        DomainError::UserExists => plain(
            AlreadyExists,
            Reason::UserExists,
            "the requested user id is in use: request a random one",
        ),
        DomainError::LastIdentity => plain(
            FailedPrecondition,
            Reason::LastIdentity,
            "this is the last identity with which the user can sign in: link another first",
        ),
        DomainError::PrimaryIdentity => plain(
            FailedPrecondition,
            Reason::PrimaryIdentity,
            "this is the primary identity: make another identity primary first",
        ),
        DomainError::LinkNotUndoable(why) => plain(
            FailedPrecondition,
            Reason::LinkNotUndoable,
            &format!("the link cannot be undone: {why}"),
        ),
        DomainError::TooManyIdentities => plain(
            FailedPrecondition,
            Reason::TooManyIdentities,
            "a user holds at most 100 identities: unlink some first",
        ),
        DomainError::MetadataConflict(paths) => conflict(&paths),
        DomainError::MetadataTooLarge { namespace, bytes } => plain(
            FailedPrecondition,
            Reason::MetadataTooLarge,
            &format!(
                "{namespace} or the list of its changes would have {bytes} bytes, which is too many: remove some first"
            ),
        ),
        DomainError::AbsorbedUsersExist => plain(
            FailedPrecondition,
            Reason::AbsorbedUsersExist,
            "this user has absorbed others: unlink them first, or set include_absorbed",
        ),
        DomainError::VersionMismatch => plain(
            Code::Aborted,
            Reason::VersionMismatch,
            "a user does not have the expected version: read it and decide again",
        ),
        DomainError::PositionInvalid => plain(
            InvalidArgument,
            Reason::PositionInvalid,
            "the position is not one of this feed: list the users again, and continue from the position in that response",
        ),
        DomainError::PositionExpired { oldest } => {
            let metadata = HashMap::from([("oldest_position".to_owned(), oldest)]);
            Status::with_error_details(
                Code::OutOfRange,
                "events after this position have been removed: list the users again, and continue from the position in that response",
                ErrorDetails::with_error_info(
                    reason_name(Reason::PositionExpired),
                    DOMAIN,
                    metadata,
                ),
            )
        }
        DomainError::OperationNotFound => plain(
            NotFound,
            Reason::OperationNotFound,
            "there is no such operation in this tenant, or it was forgotten: check the name",
        ),
        DomainError::OperationUnfinished => plain(
            FailedPrecondition,
            Reason::OperationUnfinished,
            "the operation has not ended: wait for it, or cancel it",
        ),
        DomainError::PlanIncomplete => plain(
            FailedPrecondition,
            Reason::PlanIncomplete,
            "the search of this operation did not succeed, so its plan is not whole: search again",
        ),
        DomainError::TooManyOperations => plain(
            FailedPrecondition,
            Reason::TooManyOperations,
            "the tenant has 100 operations that have not ended: wait for some, or cancel them",
        ),
        DomainError::ConflictRetry => retry(
            Code::Aborted,
            Reason::ConflictRetry,
            "other calls kept changing the same users: try again",
        ),
        DomainError::CallUnderWay => retry(
            Code::Aborted,
            Reason::ConflictRetry,
            "this call is still in progress: repeat it with the same request_id",
        ),
    }
}

fn invalid(violations: &[Violation]) -> Status {
    let mut details = details(Reason::RequestInvalid);
    let fitting =
        fitting(violations, |violation| violation.field.len() + violation.description.len());
    for violation in fitting {
        details.add_bad_request_violation(&violation.field, &violation.description);
    }
    if fitting.len() < violations.len() {
        details.add_bad_request_violation("", MORE);
    }
    let text = match violations {
        [one] => format!("{}: {}", one.field, one.description),
        _ => format!("{} fields are invalid: see the details", violations.len()),
    };
    Status::with_error_details(Code::InvalidArgument, text, details)
}

fn conflict(paths: &[String]) -> Status {
    const CONFLICT: &str = "the two sides have different values";
    let mut details = details(Reason::MetadataConflict);
    let paths: Vec<String> = paths.iter().map(|path| printable_path(path)).collect();
    let fitting = fitting(&paths, |path| path.len() + CONFLICT.len());
    for path in fitting {
        details.add_precondition_failure_violation("METADATA_CONFLICT", path, CONFLICT);
    }
    if fitting.len() < paths.len() {
        details.add_precondition_failure_violation("METADATA_CONFLICT", "", MORE);
    }
    let text = format!(
        "the metadata differs at {} paths: decide each, or choose which side wins",
        paths.len()
    );
    Status::with_error_details(Code::FailedPrecondition, text, details)
}

fn scopes_missing(scopes: &[String]) -> Status {
    const MISSING: &str = "the person has not granted this scope";
    let mut details = details(Reason::ProviderScopesMissing);
    let fitting = fitting(scopes, |scope| scope.len() + MISSING.len());
    for scope in fitting {
        details.add_precondition_failure_violation("PROVIDER_SCOPE", scope, MISSING);
    }
    if fitting.len() < scopes.len() {
        details.add_precondition_failure_violation("PROVIDER_SCOPE", "", MORE);
    }
    let text = format!(
        "the provider's token lacks {} of the scopes: start a link at the provider with them, which the details name",
        scopes.len()
    );
    Status::with_error_details(Code::FailedPrecondition, text, details)
}

/// The first entries, as many as fit.
fn fitting<T>(all: &[T], bytes: impl Fn(&T) -> usize) -> &[T] {
    let mut left = MAX_DETAILS;
    let fits = |item: &&T| match left.checked_sub(bytes(item) + ENTRY) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    all.get(..all.iter().take_while(fits).count()).unwrap_or(all)
}
