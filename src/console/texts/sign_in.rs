//! The texts of what would happen at a sign-in.

use crate::grpc::proto::{Reason, SignInRule};

/// The texts of that page, in one language.
pub(in crate::console) struct SignInTexts {
    pub title: &'static str,
    pub link: &'static str,
    pub what: &'static str,
    pub provider: &'static str,
    pub subject: &'static str,
    pub subject_hint: &'static str,
    pub verified: &'static str,
    pub ask: &'static str,
    pub wrong: &'static str,
    pub signed_in: &'static str,
    pub created: &'static str,
    pub linked: &'static str,
    pub candidates: &'static str,
    pub registration_needed: &'static str,
    pub because: &'static str,
    pub rule_name: &'static str,
    pub may_be: &'static str,
    pub evidence: &'static str,
    pub counts: &'static str,
    pub counts_not: &'static str,
    pub this_account: &'static str,
    pub by: &'static str,
    pub provider_unknown: &'static str,
    pub provider_disabled: &'static str,
    pub user_blocked: &'static str,
    pub email_missing: &'static str,
    pub email_unverified: &'static str,
    pub registration_closed: &'static str,
    /// Why each rule applies, in the order of `SignInRule` from 1 on.
    pub rules: [&'static str; 18],
}

impl SignInTexts {
    /// Why a rule applies: the end of a sentence.
    pub(in crate::console) fn rule(&self, rule: SignInRule) -> &'static str {
        let at = usize::try_from(i32::from(rule)).ok().and_then(|number| number.checked_sub(1));
        at.and_then(|at| self.rules.get(at)).copied().unwrap_or_default()
    }

    /// What a refused sign-in says; `None` if it is another refusal.
    pub(in crate::console) fn refusal(&self, reason: Reason) -> Option<&'static str> {
        Some(match reason {
            Reason::ProviderUnknown => self.provider_unknown,
            Reason::ProviderDisabled => self.provider_disabled,
            Reason::UserBlocked => self.user_blocked,
            Reason::EmailMissing => self.email_missing,
            Reason::EmailUnverified => self.email_unverified,
            Reason::RegistrationClosed => self.registration_closed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Texts;
    use crate::grpc::proto::SignInRule;

    #[test]
    fn each_rule_has_its_own_text() {
        for texts in [Texts::ENGLISH, Texts::GERMAN] {
            let rules = (1..).map_while(|number| SignInRule::try_from(number).ok());
            let said: Vec<&str> = rules.map(|rule| texts.sign_in_check.rule(rule)).collect();
            assert_eq!(said, texts.sign_in_check.rules);
        }
    }
}
