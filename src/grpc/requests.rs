//! Converts messages into the parameters of use cases. All wrong fields are collected before the
//! message is refused. Public for `fuzz/`.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use prost_types::{Struct, Timestamp, Value as PbValue, value::Kind};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::proto as pb;
use crate::{
    domain::{
        DomainError, Email, EmailVerification, IdentityEmail, IdentityRef, Metadata, Provider,
        Subject, UserId, Violation,
        identity_email::MAX_EMAIL,
        linking::{LinkTerms, UnownedIdentity},
        merge::{Arrays, Conflict, Strategy},
        metadata::{printable_path, push_token},
        unlinking::UnlinkMetadata,
    },
    secret::sha256,
    use_cases::{RequestId, UserIdForm},
};

/// The longest connection name, in bytes.
const MAX_CONNECTION: usize = 128;
/// The longest ticket that is looked up, in bytes.
const MAX_TICKET: usize = 64;
/// How long ago a person may have signed in with an account that was just proven.
const MAX_SIGN_IN_AGE: TimeDelta = TimeDelta::minutes(10);
/// How far a backend's clock may be ahead.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
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
            self.report(field, "must be a UUID other than the one with only zeros");
        }
        Some(RequestId { id: id?, fingerprint: sha256(&rest.encode_to_vec()) })
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

    /// Metadata; empty if absent.
    pub fn metadata(&mut self, field: &str, given: Option<Struct>) -> Metadata {
        let map = given.map(|given| self.object(&mut field.to_owned(), given)).unwrap_or_default();
        Metadata::parse(field, map).unwrap_or_else(|violations| {
            self.0.extend(violations);
            Metadata::default()
        })
    }

    fn object(&mut self, path: &mut String, given: Struct) -> Map<String, Value> {
        let fields = given.fields.into_iter();
        fields.map(|(key, value)| (key.clone(), self.value_below(path, &key, value))).collect()
    }

    fn value_below(&mut self, path: &mut String, token: &str, value: PbValue) -> Value {
        let parent = path.len();
        push_token(path, token);
        let value = self.value(path, value);
        path.truncate(parent);
        value
    }

    /// Decoding bounds how deep a message nests, so the recursion ends.
    fn value(&mut self, path: &mut String, value: PbValue) -> Value {
        match value.kind {
            None | Some(Kind::NullValue(_)) => Value::Null,
            Some(Kind::BoolValue(value)) => Value::Bool(value),
            Some(Kind::StringValue(value)) => Value::String(value),
            Some(Kind::NumberValue(number)) => Number::from_f64(number).map_or_else(
                || {
                    // JSON has no such numbers (RFC 8259 §6).
                    self.report(
                        &printable_path(path),
                        "This number is infinite or not a number, which JSON does not have.",
                    );
                    Value::Null
                },
                Value::Number,
            ),
            Some(Kind::ListValue(list)) => {
                let items = list.values.into_iter().enumerate();
                items.map(|(at, value)| self.value_below(path, &at.to_string(), value)).collect()
            }
            Some(Kind::StructValue(object)) => Value::Object(self.object(path, object)),
        }
    }

    /// How metadata is merged; if absent, the primary user's is kept.
    pub fn strategy(&mut self, field: &str, merge: Option<pb::MetadataMerge>) -> Strategy {
        use pb::metadata_merge as merge_pb;
        let Some(merge) = merge else { return Strategy::KeepPrimary };
        let conflict = match merge_pb::Conflict::try_from(merge.conflict) {
            Ok(merge_pb::Conflict::Unspecified | merge_pb::Conflict::PrimaryWins) => {
                Conflict::PrimaryWins
            }
            Ok(merge_pb::Conflict::SecondaryWins) => Conflict::SecondaryWins,
            Ok(merge_pb::Conflict::Fail) => Conflict::Fail,
            Err(_) => {
                self.report(&format!("{field}.conflict"), UNKNOWN_ENUM);
                Conflict::Fail
            }
        };
        let arrays = match merge_pb::Arrays::try_from(merge.arrays) {
            Ok(merge_pb::Arrays::Unspecified | merge_pb::Arrays::Concatenate) => {
                Arrays::Concatenate
            }
            Ok(merge_pb::Arrays::Union) => Arrays::Union,
            Ok(merge_pb::Arrays::Replace) => Arrays::Replace,
            Err(_) => {
                self.report(&format!("{field}.arrays"), UNKNOWN_ENUM);
                Arrays::Replace
            }
        };
        match merge_pb::Strategy::try_from(merge.strategy) {
            Ok(merge_pb::Strategy::Unspecified | merge_pb::Strategy::KeepPrimary) => {
                Strategy::KeepPrimary
            }
            Ok(merge_pb::Strategy::Merge) => Strategy::Merge { conflict, arrays },
            Err(_) => {
                self.report(&format!("{field}.strategy"), UNKNOWN_ENUM);
                Strategy::KeepPrimary
            }
        }
    }

    /// The terms of a link; `at` is the prefix of its fields' names.
    pub fn link_terms(&mut self, at: &str, terms: pb::LinkTerms) -> LinkTerms {
        if terms.attach_only && terms.expected_secondary_version.is_some() {
            let field = format!("{at}expected_secondary_version");
            self.report(
                &field,
                "must be absent where attach_only is set: then there is no secondary user",
            );
        }
        LinkTerms {
            user_metadata: self.strategy(&format!("{at}user_metadata"), terms.user_metadata),
            app_metadata: self.strategy(&format!("{at}app_metadata"), terms.app_metadata),
            expected_version: terms.expected_version,
            expected_secondary_version: terms.expected_secondary_version,
            require_shared_verified_email: terms.require_shared_verified_email,
            attach_only: terms.attach_only,
        }
    }

    /// What happens to the metadata of a user that comes back.
    pub fn unlink_metadata(&mut self, field: &str, value: i32, is_service: bool) -> UnlinkMetadata {
        match pb::UnlinkMetadata::try_from(value) {
            Ok(pb::UnlinkMetadata::Unspecified | pb::UnlinkMetadata::Restore) if is_service => {
                UnlinkMetadata::Restore
            }
            Ok(pb::UnlinkMetadata::Unspecified | pb::UnlinkMetadata::Restore) => {
                UnlinkMetadata::RestoreUserMetadata
            }
            Ok(pb::UnlinkMetadata::Discard) => UnlinkMetadata::Discard,
            Err(_) => {
                self.report(field, UNKNOWN_ENUM);
                UnlinkMetadata::Restore
            }
        }
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

    /// When the person signed in with an account that was just proven; `now` if absent.
    pub fn sign_in_time(
        &mut self,
        field: &str,
        time: Option<Timestamp>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let Some(time) = time else { return now };
        let given = u32::try_from(time.nanos)
            .ok()
            .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
        let within = (now - MAX_SIGN_IN_AGE)..=(now + LEEWAY);
        given.filter(|given| within.contains(given)).unwrap_or_else(|| {
            self.report(field, "must be a time of the last ten minutes");
            now
        })
    }

    /// An account that was just proven; `verified` notes the verifier if the email is verified.
    /// What the provider sent as an email need not be an address.
    pub fn proven_account(
        &mut self,
        field: &str,
        account: pb::ProvenAccount,
        verified: &EmailVerification,
    ) -> Option<UnownedIdentity> {
        let pb::ProvenAccount {
            identity_ref,
            connection,
            email,
            email_verified,
            profile_data,
            sign_in_time: _,
        } = account;
        let id = self.identity(&format!("{field}.identity_ref"), identity_ref.as_ref());
        self.bounded(&format!("{field}.connection"), &connection, MAX_CONNECTION);
        self.bounded(&format!("{field}.email"), &email, MAX_EMAIL);
        if email.is_empty() && email_verified {
            self.report(&format!("{field}.email_verified"), "needs an email");
        }
        let profile_data = self.metadata(&format!("{field}.profile_data"), profile_data);
        let id = id?;
        let email = IdentityEmail::claimed(&email, email_verified.then(|| verified.clone()));
        // The backend asserts that the person has just signed in.
        let signed_in_at = Some(verified.time);
        Some(UnownedIdentity { id, connection, social: false, email, profile_data, signed_in_at })
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

    /// The first identity of a new user; `verified` notes the verifier if the email is verified.
    pub fn new_identity(
        &mut self,
        field: &str,
        identity: Option<pb::NewIdentity>,
        verified: &EmailVerification,
    ) -> Option<UnownedIdentity> {
        let Some(identity) = identity else {
            self.report(field, "is required");
            return None;
        };
        let pb::NewIdentity {
            identity_ref,
            connection,
            social,
            email,
            email_verified,
            profile_data,
        } = identity;
        let id = self.identity(&format!("{field}.identity_ref"), identity_ref.as_ref());
        self.bounded(&format!("{field}.connection"), &connection, MAX_CONNECTION);
        let email = match email.as_str() {
            "" if email_verified => {
                self.report(&format!("{field}.email_verified"), "needs an email");
                None
            }
            "" => None,
            text => self.email(&format!("{field}.email"), text).and_then(|email| {
                IdentityEmail::claimed(email.given(), email_verified.then(|| verified.clone()))
            }),
        };
        let profile_data = self.metadata(&format!("{field}.profile_data"), profile_data);
        let id = id?;
        Some(UnownedIdentity { id, connection, social, email, profile_data, signed_in_at: None })
    }
}

/// The error text for a connection of another provider, or one that this provider does not have.
pub const NOT_ITS_CONNECTION: &str =
    "must be one of the connections that are configured for the account's provider, or empty";

const UNKNOWN_ENUM: &str = "is not one of the values that the proto names";
