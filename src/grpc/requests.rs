//! Converts messages into the parameters of use cases. All wrong fields are collected before the
//! message is refused. Public for `fuzz/`.

mod accounts;
mod links;
mod metadata;

use std::{collections::BTreeSet, time::Duration};

use prost::Message;
use uuid::Uuid;

pub use self::accounts::NOT_ITS_CONNECTION;
use super::proto as pb;
use crate::{
    auth::{AuthError, Permit, Target},
    domain::{DomainError, Email, IdentityRef, Provider, Subject, UserId, Violation},
    secret::sha256,
    use_cases::{RequestId, UserIdForm},
};

/// The longest ticket that is looked up, in bytes.
const MAX_TICKET: usize = 64;
/// The most scopes of a request, and the longest one, in bytes.
const MAX_SCOPES: usize = 50;
const MAX_SCOPE: usize = 256;
/// The most wrong fields that are noted.
const MAX_VIOLATIONS: usize = 1000;

/// The wrong fields of one message so far.
#[derive(Default)]
pub struct Checks(Vec<Violation>);

impl Checks {
    /// Notes a wrong field, unless more are noted already than a response can contain.
    pub fn report(&mut self, field: &str, description: impl Into<String>) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation::new(field, description));
        }
    }

    /// Refuses the message if a field is wrong.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all wrong fields.
    pub fn into_result(self) -> Result<(), DomainError> {
        if self.0.is_empty() { Ok(()) } else { Err(DomainError::Invalid(self.0)) }
    }

    /// The wrong fields.
    pub fn into_violations(self) -> Vec<Violation> {
        self.0
    }

    /// Returns `whole`, which is `None` only if a field is wrong.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all wrong fields.
    pub fn into_result_with<T>(self, whole: Option<T>) -> Result<T, DomainError> {
        match whole {
            Some(whole) if self.0.is_empty() => Ok(whole),
            _ => Err(DomainError::Invalid(self.0)),
        }
    }

    /// A user id, or `None` if the text is empty.
    pub fn optional_user_id(&mut self, field: &str, text: &str) -> Option<UserId> {
        if text.is_empty() { None } else { self.user_id(field, text) }
    }

    /// The user of the call: the one that the text names, or the caller's own if it is empty. Is
    /// among the checks so that a service that names no user learns of all wrong fields at once.
    pub fn target(&mut self, field: &str, permit: &Permit, text: &str) -> Option<Target> {
        let requested = self.optional_user_id(field, text);
        if requested.is_none() && !text.is_empty() {
            return None;
        }
        match permit.target(requested) {
            Ok(target) => Some(target),
            Err(AuthError::Domain(DomainError::Invalid(violations))) => {
                self.0.extend(violations);
                None
            }
            Err(_) => {
                self.report(field, "must name a user that this token may act on");
                None
            }
        }
    }

    /// A user id.
    pub fn user_id(&mut self, field: &str, text: &str) -> Option<UserId> {
        let id = UserId::parse(text);
        if id.is_none() {
            self.report(field, UserId::FORM);
        }
        id
    }

    /// The most entries of a page: `size`, or `default` if that is 0.
    pub fn page_size(&mut self, field: &str, size: i32, default: usize, max: usize) -> usize {
        match usize::try_from(size) {
            Ok(0) => default,
            Ok(size) if size <= max => size,
            _ => {
                self.report(field, format!("must be 0 to {max}"));
                default
            }
        }
    }

    /// The request id, which a preview must not have; `rest` is the request without it. Decoding
    /// has put maps into one order, so the same request has the same bytes from each client.
    pub fn request_id(
        &mut self,
        field: &str,
        id: &str,
        rest: &impl Message,
        is_preview: bool,
    ) -> Option<RequestId> {
        if id.is_empty() {
            return None;
        }
        if is_preview {
            self.report(
                field,
                "must be empty where validate_only is set: there is nothing to repeat",
            );
        }
        let id = Uuid::try_parse(id).ok().filter(|id| !id.is_nil());
        if id.is_none() {
            self.report(field, NO_UUID);
        }
        Some(RequestId { id: id?, fingerprint: sha256(&rest.encode_to_vec()) })
    }

    /// An id, or `None` if the text is empty.
    pub fn optional_uuid(&mut self, field: &str, text: &str) -> Option<Uuid> {
        if text.is_empty() {
            return None;
        }
        let id = Uuid::try_parse(text).ok().filter(|id| !id.is_nil());
        if id.is_none() {
            self.report(field, NO_UUID);
        }
        id
    }

    /// The id in the name of an operation.
    pub fn operation(&mut self, field: &str, text: &str) -> Option<Uuid> {
        let id = text.strip_prefix("operations/").and_then(|id| Uuid::try_parse(id).ok());
        if id.is_none() {
            self.report(field, "must be the name of an operation, as its response has it");
        }
        id
    }

    /// The scopes to request of a provider, each once.
    pub fn scopes(&mut self, field: &str, scopes: Vec<String>) -> BTreeSet<String> {
        // RFC 6749 §3.3.
        let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let is_scope = |scope: &String| {
            (1..=MAX_SCOPE).contains(&scope.len()) && scope.bytes().all(is_allowed)
        };
        if scopes.len() > MAX_SCOPES {
            self.report(field, format!("must have at most {MAX_SCOPES} scopes"));
        } else if !scopes.iter().all(is_scope) {
            self.report(
                field,
                format!(
                    "must have scopes of 1 to {MAX_SCOPE} bytes, without spaces (RFC 6749, 3.3)"
                ),
            );
        }
        scopes.into_iter().collect()
    }

    /// A time that is not negative; `None` if it is absent.
    pub fn duration(
        &mut self,
        field: &str,
        time: Option<&prost_types::Duration>,
    ) -> Option<Duration> {
        let parsed = Duration::try_from(*time?).ok();
        if parsed.is_none() {
            self.report(field, "must not be negative");
        }
        parsed
    }

    /// The id of a link.
    pub fn link_id(&mut self, field: &str, text: &str) -> Option<Uuid> {
        let id = Uuid::try_parse(text).ok();
        if id.is_none() {
            self.report(field, "must be a UUID");
        }
        id
    }

    /// An identity that is required.
    pub fn identity(
        &mut self,
        field: &str,
        identity: Option<&pb::IdentityRef>,
    ) -> Option<IdentityRef> {
        let Some(pb::IdentityRef { provider, subject }) = identity else {
            self.report(field, "is required");
            return None;
        };
        let (parsed_provider, parsed_subject) =
            (Provider::parse(provider), Subject::parse(subject));
        if parsed_provider.is_none() {
            self.report(&format!("{field}.provider"), Provider::FORM);
        }
        if parsed_subject.is_none() {
            self.report(&format!("{field}.subject"), Subject::FORM);
        }
        Some(IdentityRef { provider: parsed_provider?, subject: parsed_subject? })
    }

    /// An email address.
    pub fn email(&mut self, field: &str, text: &str) -> Option<Email> {
        Email::parse(text).map_err(|error| self.report(field, error.to_string())).ok()
    }

    /// Whether an unlink releases the identity. Then no user comes back, and `metadata` must be
    /// unset.
    pub fn is_release(&mut self, request: &pb::UnlinkRequest) -> bool {
        match pb::UnlinkMode::try_from(request.mode) {
            Ok(pb::UnlinkMode::Unspecified | pb::UnlinkMode::Restore) => false,
            Ok(pb::UnlinkMode::Release) => {
                if request.metadata != pb::UnlinkMetadata::Unspecified as i32 {
                    self.report(
                        "metadata",
                        "must be unset where mode is UNLINK_MODE_RELEASE: no user comes back",
                    );
                }
                true
            }
            Err(_) => {
                self.report("mode", UNKNOWN_ENUM);
                false
            }
        }
    }

    /// How the id of a new user is made; `None` leaves that to the tenant.
    pub fn user_id_form(&mut self, field: &str, value: i32) -> Option<UserIdForm> {
        match pb::UserIdForm::try_from(value) {
            Ok(pb::UserIdForm::Unspecified) => None,
            Ok(pb::UserIdForm::Random) => Some(UserIdForm::Random),
            Ok(pb::UserIdForm::ProviderSubject) => Some(UserIdForm::ProviderSubject),
            Err(_) => {
                self.report(field, UNKNOWN_ENUM);
                None
            }
        }
    }

    /// Checks the length of a sign-in ticket.
    pub fn ticket_text(&mut self, field: &str, text: &str) {
        if !(1..=MAX_TICKET).contains(&text.len()) {
            self.report(field, format!("must be 1 to {MAX_TICKET} bytes"));
        }
    }

    /// A required text of at most `max` bytes.
    pub fn required(&mut self, field: &str, text: &str, max: usize) {
        match text {
            "" => self.report(field, "is required"),
            text => self.bounded(field, text, max),
        }
    }

    /// A text of at most `max` bytes.
    pub fn bounded(&mut self, field: &str, text: &str, max: usize) {
        if text.len() > max || text.chars().any(char::is_control) {
            self.report(field, format!("must be at most {max} bytes without control characters"));
        }
    }
}

/// What a UUID that a client chooses must be.
const NO_UUID: &str = "must be a UUID other than the one with only zeros";
/// What an enum's value is that this release does not know.
pub const UNKNOWN_ENUM: &str = "is not one of the values that the proto names";
