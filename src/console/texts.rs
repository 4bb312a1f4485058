//! The texts of the pages, in each language. A language that lacks one does not compile.

mod change;
mod english;
mod german;
mod jobs;
mod sign_in;

use http::{HeaderMap, header};

pub(super) use self::{change::ChangeTexts, jobs::JobsTexts, sign_in::SignInTexts};
use super::pages::find::Why;
use crate::{
    domain::StaffRole,
    grpc::proto::{
        Actor, Identity, LinkProof, LinkRecord, actor::Kind, event::Detail, link_proof::Proof,
    },
};

/// The texts in one language. A pair is the title of a page and what it says.
pub(super) struct Texts {
    pub language: &'static str,
    pub console: &'static str,
    pub sign_in: &'static str,
    pub sign_in_why: &'static str,
    pub sign_out: &'static str,
    pub signed_in_as: &'static str,
    pub pages: &'static str,
    pub skip: &'static str,
    pub roles: [&'static str; 3],

    pub find: &'static str,
    pub find_label: &'static str,
    pub find_hint: &'static str,
    pub find_button: &'static str,
    pub tenant: &'static str,
    pub query_wrong: &'static str,
    pub nothing_found: &'static str,
    pub more_found: &'static str,
    pub found: &'static str,
    pub found_because: &'static str,
    pub why_id: &'static str,
    pub why_former_id: &'static str,
    pub why_account: &'static str,
    pub why_phone: &'static str,
    pub why_link: &'static str,
    pub why_email: &'static str,
    pub why_unverified_email: &'static str,

    pub user: &'static str,
    pub former_id: &'static str,
    pub blocked: &'static str,
    pub version: &'static str,
    pub created: &'static str,
    pub changed: &'static str,
    pub accounts: &'static str,
    pub email: &'static str,
    pub verified: &'static str,
    pub verified_by: &'static str,
    pub verified_by_import: &'static str,
    pub not_verified: &'static str,
    pub no_email: &'static str,
    pub since: &'static str,
    pub how: &'static str,
    pub primary: &'static str,
    pub connection: &'static str,
    pub always_here: &'static str,
    pub brought: &'static str,
    pub link: &'static str,

    pub history: &'static str,
    pub no_history: &'static str,
    pub more_history: &'static str,
    pub who: &'static str,
    pub proof: &'static str,
    pub reason: &'static str,
    pub undone: &'static str,
    pub absorbed: &'static str,
    pub attached: &'static str,
    pub into: &'static str,
    pub by_user: &'static str,
    pub by_service: &'static str,
    pub by_deletion: &'static str,
    pub by_operator: &'static str,
    pub by_provider: &'static str,
    pub by_unknown: &'static str,
    pub proof_token: &'static str,
    pub proof_service: &'static str,
    pub proof_ticket: &'static str,
    pub proof_email: &'static str,
    pub proof_sign_in: &'static str,
    pub proof_plan: &'static str,
    pub proof_unknown: &'static str,

    pub timeline: &'static str,
    pub timeline_link: &'static str,
    pub timeline_back: &'static str,
    pub timeline_hint: &'static str,
    pub timeline_more: &'static str,
    pub timeline_hidden: &'static str,
    pub timeline_list: &'static str,
    pub timeline_this_user: &'static str,
    pub timeline_began: &'static str,
    pub timeline_linked: &'static str,
    pub timeline_undone: &'static str,
    pub timeline_gone: &'static str,
    pub timeline_now: &'static str,
    pub timeline_changes: &'static str,
    pub timeline_no_changes: &'static str,

    pub feed: &'static str,
    pub feed_hint: &'static str,
    pub feed_refresh: &'static str,
    pub feed_now: &'static str,
    pub feed_oldest: &'static str,
    pub feed_more: &'static str,
    pub feed_delay: &'static str,
    pub feed_none: &'static str,
    pub feed_live: &'static str,
    pub feed_again: &'static str,
    pub feed_closed: &'static str,
    pub feed_waits: &'static str,
    pub no_position: (&'static str, &'static str),
    pub event_user_created: &'static str,
    pub event_user_updated: &'static str,
    pub event_user_blocked: &'static str,
    pub event_user_unblocked: &'static str,
    pub event_user_deleted: &'static str,
    pub event_user_linked: &'static str,
    pub event_user_unlinked: &'static str,
    pub event_link_undone: &'static str,
    pub event_identity_attached: &'static str,
    pub event_identity_detached: &'static str,
    pub event_identity_updated: &'static str,
    pub event_metadata_merged: &'static str,
    pub event_primary_changed: &'static str,
    pub event_identity_released: &'static str,
    pub event_users_imported: &'static str,
    pub event_identities_renamed: &'static str,
    pub event_logged_out: &'static str,
    pub event_account_reported: &'static str,
    pub event_unknown: &'static str,

    pub health: &'static str,
    pub health_hint: &'static str,
    pub health_good: &'static str,
    pub health_bad: &'static str,
    pub health_last: &'static str,
    pub health_never: &'static str,
    pub health_database: &'static str,
    pub health_database_good: &'static str,
    pub health_database_lost: &'static str,
    pub health_schema_wrong: &'static str,
    pub health_feed_good: &'static str,
    pub health_feed_late: &'static str,
    pub health_issuer: &'static str,
    pub health_provider: &'static str,
    pub health_keys_good: &'static str,
    pub health_keys_missing: &'static str,

    pub data: &'static str,
    pub no_data: &'static str,
    pub profile: &'static str,
    pub user_metadata: &'static str,
    pub app_metadata: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub origin: &'static str,
    pub origin_service: &'static str,
    pub origin_primary: &'static str,
    pub origin_own: &'static str,
    pub origin_link: &'static str,
    pub origin_both: &'static str,
    pub origin_unknown: &'static str,
    pub origin_hint: &'static str,
    pub hidden: &'static str,
    pub why_look: &'static str,
    pub why_look_hint: &'static str,
    pub show: &'static str,
    pub reason_wrong: &'static str,

    pub sign_in_check: SignInTexts,

    pub jobs: JobsTexts,

    pub change: ChangeTexts,

    pub back: &'static str,
    pub not_here: (&'static str, &'static str),
    pub no_user: (&'static str, &'static str),
    pub wrong_form: (&'static str, &'static str),
    pub session_ended: (&'static str, &'static str),
    pub wrong_role: (&'static str, &'static str),
    pub sign_in_old: (&'static str, &'static str),
    pub no_role: (&'static str, &'static str),
    pub sign_in_expired: (&'static str, &'static str),
    pub sign_in_failed: (&'static str, &'static str),
    pub busy: (&'static str, &'static str),
    pub fault: (&'static str, &'static str),
}

impl Texts {
    /// English, also where no other language fits.
    pub(super) const ENGLISH: &'static Self = &english::TEXTS;
    const GERMAN: &'static Self = &german::TEXTS;

    /// The texts in the language that the browser prefers (RFC 9110 §12.5.4), among those that there are.
    pub(super) fn of(headers: &HeaderMap) -> &'static Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0, Self::ENGLISH);
        for range in accepted.unwrap_or_default().split(',') {
            let (language, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            let known = [Self::ENGLISH, Self::GERMAN].into_iter().find(|texts| {
                let language = language.trim().split('-').next().unwrap_or_default();
                language.eq_ignore_ascii_case(texts.language)
            });
            // Of two with one weight the first.
            if let (Some(known), Some(weight)) = (known, weight)
                && weight > best.0
            {
                best = (weight, known);
            }
        }
        best.1
    }

    /// The name of a role.
    pub(super) fn role(&self, role: &StaffRole) -> &'static str {
        let [viewer, support, operator] = self.roles;
        match role {
            StaffRole::Viewer => viewer,
            StaffRole::Support => support,
            StaffRole::Operator => operator,
        }
    }

    /// Why a user was found.
    pub(super) fn why(&self, why: Why) -> &'static str {
        match why {
            Why::Id => self.why_id,
            Why::FormerId => self.why_former_id,
            Why::Account => self.why_account,
            Why::Phone => self.why_phone,
            Why::Link => self.why_link,
            Why::Email => self.why_email,
            Why::UnverifiedEmail => self.why_unverified_email,
        }
    }

    /// Who made a change.
    pub(super) fn actor(&self, actor: &Actor) -> String {
        let kind = match actor.kind() {
            Kind::User => self.by_user,
            Kind::Service => self.by_service,
            Kind::Deletion => self.by_deletion,
            Kind::Operator => self.by_operator,
            Kind::Provider => self.by_provider,
            Kind::Unspecified => self.by_unknown,
        };
        match &*actor.subject {
            "" => kind.to_owned(),
            subject => format!("{kind} {subject}"),
        }
    }

    /// What proved a link.
    pub(super) fn proof(&self, proof: Option<&LinkProof>) -> &'static str {
        match proof.and_then(|proof| proof.proof.as_ref()) {
            Some(Proof::Token(_)) => self.proof_token,
            Some(Proof::Service(_)) => self.proof_service,
            Some(Proof::Ticket(_)) => self.proof_ticket,
            Some(Proof::VerifiedEmail(_)) => self.proof_email,
            Some(Proof::SignIn(_)) => self.proof_sign_in,
            Some(Proof::Plan(_)) => self.proof_plan,
            None => self.proof_unknown,
        }
    }

    /// What a link did with these accounts.
    pub(super) fn link(&self, link: &LinkRecord, accounts: &str) -> String {
        match &*link.secondary_user_id {
            "" => format!("{} {accounts} {} {}", self.attached, self.into, link.primary_user_id),
            secondary => format!(
                "{} {secondary} {} {} ({accounts})",
                self.absorbed, self.into, link.primary_user_id
            ),
        }
    }

    /// What an event of the feed says.
    pub(super) fn event(&self, detail: Option<&Detail>) -> String {
        let kind = match detail {
            Some(Detail::UserCreated(_)) => self.event_user_created,
            Some(Detail::UserUpdated(_)) => self.event_user_updated,
            Some(Detail::UserBlocked(it)) if it.blocked => self.event_user_blocked,
            Some(Detail::UserBlocked(_)) => self.event_user_unblocked,
            Some(Detail::UserDeleted(_)) => self.event_user_deleted,
            Some(Detail::UserLinked(_)) => self.event_user_linked,
            Some(Detail::UserUnlinked(_)) => self.event_user_unlinked,
            Some(Detail::LinkUndone(_)) => self.event_link_undone,
            Some(Detail::IdentityAttached(_)) => self.event_identity_attached,
            Some(Detail::IdentityDetached(_)) => self.event_identity_detached,
            Some(Detail::IdentityUpdated(_)) => self.event_identity_updated,
            Some(Detail::UserMetadataMerged(_)) => self.event_metadata_merged,
            Some(Detail::UserPrimaryIdentityChanged(_)) => self.event_primary_changed,
            Some(Detail::IdentityReleased(_)) => self.event_identity_released,
            Some(Detail::UsersImported(it)) => {
                return format!("{} {}", self.event_users_imported, it.user_count);
            }
            Some(Detail::IdentitiesRenamed(_)) => self.event_identities_renamed,
            Some(Detail::IdentityLoggedOut(_)) => self.event_logged_out,
            Some(Detail::AccountEventReported(_)) => self.event_account_reported,
            None => self.event_unknown,
        };
        kind.to_owned()
    }

    /// The party that stated that the email of an account is verified; empty if it is not.
    pub(super) fn verifier(&self, of: &Identity) -> String {
        match (&*of.email_verifier_issuer, &*of.email_verifier_subject) {
            _ if !of.email_verified => String::new(),
            ("", _) => format!("{} {}", self.verified_by, self.verified_by_import),
            (issuer, "") => format!("{} {issuer}", self.verified_by),
            (issuer, service) => format!("{} {service} ({issuer})", self.verified_by),
        }
    }

    /// By which link an account came to its user.
    pub(super) fn brought_by(&self, link: &LinkRecord) -> String {
        let proof = self.proof(link.proof.as_ref());
        format!("{}: {proof}", self.brought)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_the_one_that_the_browser_prefers() {
        let language = |accepted: &'static str| {
            let accepted = HeaderValue::from_static(accepted);
            Texts::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accepted)])).language
        };
        assert_eq!(language("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(language("fr, en;q=0.5, de;q=0.7"), "de");
        assert_eq!(language("en-US,en,de"), "en");
        for other in ["", "*", "fr", "de;q=0", "de;q=x", ";;,"] {
            assert_eq!(language(other), "en", "{other:?}");
        }
        assert_eq!(Texts::of(&HeaderMap::new()).language, "en");
    }
}
