//! Accounts as a caller describes them: of a new user, or as just proven.

use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;

use super::Checks;
use crate::{
    domain::{
        EmailVerification, IdentityEmail, identity_email::MAX_EMAIL, linking::UnownedIdentity,
    },
    grpc::proto as pb,
};

/// The longest connection name, in bytes.
const MAX_CONNECTION: usize = 128;
/// How long ago a person may have signed in with an account that was just proven.
const MAX_SIGN_IN_AGE: TimeDelta = TimeDelta::minutes(10);
/// How far a backend's clock may be ahead.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The error text for a connection of another provider, or one that this provider does not have.
pub const NOT_ITS_CONNECTION: &str =
    "must be one of the connections that are configured for the account's provider, or empty";

impl Checks {
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
        Some(UnownedIdentity {
            id,
            connection,
            social: false,
            email,
            other_emails: Vec::new(),
            profile_data,
            signed_in_at,
            tokens: None,
        })
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
        Some(UnownedIdentity {
            id,
            connection,
            social,
            email,
            other_emails: Vec::new(),
            profile_data,
            signed_in_at: None,
            tokens: None,
        })
    }
}
