//! What users share: the rules by which they are likely one person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::{Identity, IdentityEmail, IdentityRef, ProviderPolicies, User, UserId};

/// A rule by which users are likely one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The same canonical email, which counts as verified on both sides.
    VerifiedEmail,
    /// Emails that count as verified on both sides, and that Google delivers to the same mailbox.
    Gmail,
    /// The same phone number, which enabled providers claim to be verified on both sides.
    VerifiedPhone,
    /// The same canonical email, which counts as verified on one side only.
    EmailOneSide,
}

/// The rules that are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// [`Rule::VerifiedEmail`].
    pub verified_email: bool,
    /// [`Rule::Gmail`].
    pub gmail: bool,
    /// [`Rule::VerifiedPhone`].
    pub verified_phone: bool,
    /// [`Rule::EmailOneSide`].
    pub email_one_side: bool,
}

/// A value that several users have.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// The rule that found it.
    pub rule: Rule,
    /// The value: a canonical email, a mailbox at Google, or a phone number.
    pub value: String,
    /// The users that have it, in the order of their ids; two at least.
    pub holders: Vec<Holder>,
}

/// A user that has a shared value.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// The user.
    pub user: UserId,
    /// Its identities that have the value.
    pub identities: Vec<IdentityRef>,
    /// The canonical emails of these identities; empty for a phone number.
    pub emails: BTreeSet<String>,
    /// Whether one of the identities has it verified.
    pub verified: bool,
    /// When it was last verified; `None` for a phone number, and for an unverified email.
    pub verify_time: Option<DateTime<Utc>>,
}

impl Rule {
    /// All rules, in the order in which a plan has them.
    pub const ALL: [Self; 4] =
        [Self::VerifiedEmail, Self::Gmail, Self::VerifiedPhone, Self::EmailOneSide];

    /// The rule as text, for plans and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifiedEmail => "verified-email",
            Self::Gmail => "gmail",
            Self::VerifiedPhone => "verified-phone",
            Self::EmailOneSide => "email-one-side",
        }
    }
}

impl Rules {
    /// Whether the rule is asked for.
    pub fn has(self, rule: Rule) -> bool {
        match rule {
            Rule::VerifiedEmail => self.verified_email,
            Rule::Gmail => self.gmail,
            Rule::VerifiedPhone => self.verified_phone,
            Rule::EmailOneSide => self.email_one_side,
        }
    }

    /// The rules that are asked for, in the order of [`Rule::ALL`].
    pub fn asked(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(move |rule| self.has(*rule))
    }
}

impl Shared {
    /// The users that have the value.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.holders.iter().map(|holder| &holder.user)
    }

    /// The pairs of users that the value connects. By an email that is verified on one side only,
    /// each pair has one user of either side.
    pub fn pairs(&self) -> impl Iterator<Item = (&UserId, &UserId)> {
        let later = |at: usize| self.holders.iter().skip(at + 1);
        let pairs = self.holders.iter().enumerate();
        let pairs = pairs.flat_map(move |(at, one)| later(at).map(move |other| (one, other)));
        let is_one_side = self.rule == Rule::EmailOneSide;
        pairs
            .filter(move |(one, other)| !is_one_side || one.verified != other.verified)
            .map(|(one, other)| (&one.user, &other.user))
    }
}

/// The values that several of these users share by these rules, in the order of the rules, then of
/// the values.
pub(super) fn shared(users: &[User], rules: Rules, policies: &ProviderPolicies) -> Vec<Shared> {
    let mut found: BTreeMap<(Rule, String), BTreeMap<&UserId, Holder>> = BTreeMap::new();
    for user in users {
        for identity in &user.identities {
            for (rule, value) in values(identity, rules, policies) {
                let holders = found.entry((rule, value)).or_default();
                let holder = holders.entry(&user.id).or_insert_with(|| Holder::new(&user.id));
                holder.add(identity, rule);
            }
        }
    }
    let shared = found.into_iter().map(|((rule, value), holders)| Shared {
        rule,
        value,
        holders: holders.into_values().collect(),
    });
    shared.filter(|shared| shared.pairs().next().is_some() && !shared.is_same_address()).collect()
}

/// The values of an identity that a rule compares.
fn values(
    identity: &Identity,
    rules: Rules,
    policies: &ProviderPolicies,
) -> impl Iterator<Item = (Rule, String)> {
    let email = identity.email.as_ref();
    let canonical = email.and_then(|email| email.canonical.as_deref());
    let counting = canonical.filter(|_| email.is_some_and(IdentityEmail::is_verified));
    let policy = policies.for_provider(&identity.id.provider);
    let phone = verified_phone(identity).filter(|_| policy.enabled);
    let all = [
        (Rule::VerifiedEmail, counting.map(str::to_owned)),
        (Rule::Gmail, counting.and_then(gmail_mailbox)),
        (Rule::VerifiedPhone, phone.map(str::to_owned)),
        (Rule::EmailOneSide, canonical.map(str::to_owned)),
    ];
    let asked = all.into_iter().filter(move |(rule, _)| rules.has(*rule));
    asked.filter_map(|(rule, value)| Some((rule, value?)))
}

/// The phone number of an account that its provider claims to be verified.
fn verified_phone(identity: &Identity) -> Option<&str> {
    let profile = identity.profile_data.as_map();
    let is_verified = profile.get("phone_number_verified")?.as_bool()?;
    let number = profile.get("phone_number")?.as_str()?;
    (is_verified && is_phone_number(number)).then_some(number)
}

/// Whether the text is a phone number in the form of E.164, such as `+15555550103`.
pub fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// The mailbox at Google to which this canonical email is delivered: without the dots and the tag;
/// `None` for another domain.
pub fn gmail_mailbox(canonical: &str) -> Option<String> {
    let (local, domain) = canonical.rsplit_once('@')?;
    if !["gmail.com", "googlemail.com"].contains(&domain) {
        return None;
    }
    let name = local.split('+').next()?.replace('.', "");
    (!name.is_empty()).then(|| format!("{name}@gmail.com"))
}

impl Holder {
    fn new(user: &UserId) -> Self {
        Self {
            user: user.clone(),
            identities: Vec::new(),
            emails: BTreeSet::new(),
            verified: false,
            verify_time: None,
        }
    }

    fn add(&mut self, identity: &Identity, rule: Rule) {
        self.identities.push(identity.id.clone());
        if rule == Rule::VerifiedPhone {
            self.verified = true;
            return;
        }
        let Some(email) = &identity.email else { return };
        self.emails.extend(email.canonical.clone());
        if email.is_verified() {
            self.verified = true;
            self.verify_time = self.verify_time.max(email.verified.as_ref().map(|of| of.time));
        }
    }
}

impl Shared {
    /// Whether it is a mailbox at Google whose users all have it by one and the same address:
    /// [`Rule::VerifiedEmail`] finds these.
    fn is_same_address(&self) -> bool {
        let mut emails = self.holders.iter().map(|holder| &holder.emails);
        let first = emails.next();
        self.rule == Rule::Gmail
            && first.is_some_and(|first| first.len() == 1 && emails.all(|other| other == first))
    }
}
