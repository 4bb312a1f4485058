//! Converts the filter of `ListLinks`.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

use super::{Checks, UNKNOWN_ENUM};
use crate::{
    domain::{ProofKind, sign_in::SignInRule},
    grpc::proto as pb,
    store::{ActorFilter, ActorKind, LinkFilter},
};

/// The longest issuer or subject of an actor, in bytes.
const MAX_NAME: usize = 2048;
/// The seconds of the years from 1 to 9999, which a `Timestamp` can have.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Checks {
    /// Which links to list. A user sees the kind of an actor that is not its own user, and nothing
    /// else of it. So a user cannot search for the rest: what is found would reveal it. The two flags
    /// say whether a service asks, and whether it asks for the links of all users.
    pub fn link_filter(
        &mut self,
        field: &str,
        filter: &pb::LinkFilter,
        (is_service, is_of_tenant): (bool, bool),
    ) -> LinkFilter {
        let of = |name: &str| format!("{field}.{name}");
        let since = self.time(&of("start_time"), filter.start_time.as_ref());
        let until = self.time(&of("end_time"), filter.end_time.as_ref());
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            self.report(&of("end_time"), "must be after start_time");
        }
        let actor = match &filter.actor {
            Some(actor) => self.actor(&of("actor"), actor, is_service),
            None => ActorFilter::default(),
        };
        LinkFilter {
            since,
            until,
            proof: self.proof_kind(&of("proof_kind"), filter.proof_kind),
            rule: self.linking_rule(&of("rule"), filter.rule),
            actor,
            plan: self.optional_uuid(&of("plan_id"), &filter.plan_id),
            standing: filter.standing_only,
            link: self.one_link(&of("link_id"), &filter.link_id, is_of_tenant),
        }
    }

    /// The only link to list; `None` for all that match.
    fn one_link(&mut self, field: &str, id: &str, is_of_tenant: bool) -> Option<Uuid> {
        let link = self.optional_uuid(field, id);
        if link.is_some() && !is_of_tenant {
            self.report(
                field,
                "is for a service that names no user: it finds a link of any user of the tenant",
            );
        }
        link
    }

    /// A time; `None` if it is absent.
    pub fn time(&mut self, field: &str, time: Option<&Timestamp>) -> Option<DateTime<Utc>> {
        let Timestamp { seconds, nanos } = *time?;
        let nanos = u32::try_from(nanos).ok().filter(|_| SECONDS.contains(&seconds));
        let parsed = nanos.and_then(|nanos| DateTime::from_timestamp(seconds, nanos));
        if parsed.is_none() {
            self.report(field, "must be a time of the years 1 to 9999");
        }
        parsed
    }

    fn proof_kind(&mut self, field: &str, value: i32) -> Option<ProofKind> {
        use pb::link_proof::Kind;
        match Kind::try_from(value) {
            Ok(Kind::Unspecified) => None,
            Ok(Kind::Token) => Some(ProofKind::Token),
            Ok(Kind::Service) => Some(ProofKind::Service),
            Ok(Kind::Ticket) => Some(ProofKind::Ticket),
            Ok(Kind::VerifiedEmail) => Some(ProofKind::VerifiedEmail),
            Ok(Kind::SignIn) => Some(ProofKind::SignIn),
            Ok(Kind::Plan) => Some(ProofKind::Plan),
            Err(_) => {
                self.report(field, UNKNOWN_ENUM);
                None
            }
        }
    }

    /// A rule that links. No link is found by another one, which would look as if nothing had been
    /// linked.
    fn linking_rule(&mut self, field: &str, value: i32) -> Option<SignInRule> {
        match pb::SignInRule::try_from(value) {
            Ok(pb::SignInRule::Unspecified) => None,
            Ok(pb::SignInRule::EmailVerifiedOnBothSides) => {
                Some(SignInRule::EmailVerifiedOnBothSides)
            }
            Ok(_) => {
                self.report(
                    field,
                    "must be a rule that links: SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES",
                );
                None
            }
            Err(_) => {
                self.report(field, UNKNOWN_ENUM);
                None
            }
        }
    }

    fn actor(&mut self, field: &str, actor: &pb::Actor, is_service: bool) -> ActorFilter {
        use pb::actor::Kind;
        let pb::Actor { kind: _, issuer, subject, reason } = actor;
        let kind = match Kind::try_from(actor.kind) {
            Ok(Kind::Unspecified) => {
                if issuer.is_empty() && subject.is_empty() {
                    self.report(field, "must have a kind, an issuer or a subject");
                }
                None
            }
            Ok(Kind::User) => Some(ActorKind::User),
            Ok(Kind::Service) => Some(ActorKind::Service),
            Ok(Kind::Operator) => Some(ActorKind::Operator),
            Ok(Kind::Deletion) => {
                self.report(
                    &format!("{field}.kind"),
                    "must be a kind that links: a deletion only ends links",
                );
                None
            }
            Ok(Kind::Provider) => {
                self.report(
                    &format!("{field}.kind"),
                    "must be a kind that links: a provider only ends tokens",
                );
                None
            }
            Err(_) => {
                self.report(&format!("{field}.kind"), UNKNOWN_ENUM);
                None
            }
        };
        if !reason.is_empty() {
            self.report(&format!("{field}.reason"), "must be empty: links are not found by it");
        }
        for (name, text) in [("issuer", issuer), ("subject", subject)] {
            let field = format!("{field}.{name}");
            match text.as_str() {
                "" => {}
                _ if !is_service => {
                    self.report(&field, "must be empty: a user token sets kind only");
                }
                _ if kind == Some(ActorKind::Operator) => {
                    self.report(&field, "must be empty where kind is KIND_OPERATOR");
                }
                text => self.bounded(&field, text, MAX_NAME),
            }
        }
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        ActorFilter { kind, issuer: given(issuer), subject: given(subject) }
    }
}
