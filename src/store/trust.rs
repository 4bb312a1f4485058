//! Whose word counts by today's configuration, as statements are told of it.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{Session, StoreError, cached::Cached};
use crate::domain::{EmailTrust, LinkingPolicy, Provider, ProviderPolicies, ProviderPolicy, Undeclared};

/// What a tenant's configuration says of its providers.
pub(super) struct Trust {
    /// What is decided about each.
    pub policies: ProviderPolicies,
    /// The providers whose word on emails counts.
    pub verifiers: Verifiers,
    /// The same, without those with `linking = "off"`.
    pub linking_verifiers: Verifiers,
    /// The providers at which people sign in.
    pub ways_in: WaysIn,
}

/// The providers whose word on emails counts, and on which. See [`email_counts`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verifiers {
    /// Those whose word counts on every email.
    pub always: Vec<String>,
    /// `provider@domain`, for each domain over which a provider has authority.
    pub domains: Vec<String>,
    /// Those whose word counts also on the domain that an account's `hd` names.
    pub hosted: Vec<String>,
}

/// The providers at which people sign in, or, where undeclared ones are allowed, those at which they do not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WaysIn {
    /// Some declared providers.
    pub providers: Vec<String>,
    /// Whether people sign in at all others, instead of at these.
    pub at_others: bool,
}

impl Trust {
    pub(super) fn new(policies: ProviderPolicies) -> Self {
        Self {
            verifiers: Verifiers::of(&policies, |_| true),
            linking_verifiers: Verifiers::of(&policies, |policy| policy.linking != LinkingPolicy::Off),
            ways_in: WaysIn::of(&policies),
            policies,
        }
    }
}

impl Verifiers {
    fn of(policies: &ProviderPolicies, is_asked: fn(&ProviderPolicy) -> bool) -> Self {
        let mut verifiers = Self::default();
        // The word of an undeclared provider never counts.
        for (name, policy) in policies.declared.iter().filter(|(_, policy)| policy.enabled && is_asked(policy)) {
            match &policy.email_trust {
                EmailTrust::Never => {}
                EmailTrust::WhenVerified => verifiers.always.push(name.to_string()),
                EmailTrust::AuthoritativeDomains { domains, hosted } => {
                    verifiers.domains.extend(domains.iter().map(|domain| format!("{name}@{domain}")));
                    verifiers.hosted.extend(hosted.then(|| name.to_string()));
                }
            }
        }
        verifiers
    }
}

impl WaysIn {
    fn of(policies: &ProviderPolicies) -> Self {
        let at_others = policies.undeclared == Undeclared::Allow;
        let listed = policies.declared.iter().filter(|(_, policy)| policy.can_sign_in() != at_others);
        Self { providers: listed.map(|(name, _)| name.to_string()).collect(), at_others }
    }
}

/// How many accounts there are at a provider.
#[derive(Debug, QueryableByName)]
pub struct AccountsAt {
    /// The provider.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub accounts: i64,
}

impl Session {
    /// How many accounts there are at each provider that the tenant does not have. The names of all providers are
    /// read, by one look into the key for each, and the accounts of those only.
    pub async fn accounts_at_unknown_providers(&mut self) -> Result<Vec<AccountsAt>, StoreError> {
        const SQL: &str = "WITH RECURSIVE p(provider) AS ( \
              (SELECT provider FROM identities WHERE tenant_id = $1 ORDER BY provider LIMIT 1) \
              UNION ALL SELECT (SELECT i.provider FROM identities i WHERE i.tenant_id = $1 AND i.provider > p.provider \
                ORDER BY i.provider LIMIT 1) FROM p WHERE p.provider IS NOT NULL) \
            SELECT p.provider, \
              (SELECT count(*) FROM identities i WHERE i.tenant_id = $1 AND i.provider = p.provider) AS accounts \
            FROM p WHERE p.provider <> ALL($2) ORDER BY p.provider";
        let Trust { policies, .. } = &*self.trust;
        if policies.undeclared == Undeclared::Allow {
            return Ok(Vec::new());
        }
        let declared: Vec<&str> = policies.declared.keys().map(Provider::as_str).collect();
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Array<Text>, _>(declared);
        self.conn.load(Cached(query)).await
    }
}

/// Whether an identity has an email that counts as verified: what [`ProviderPolicy::judge`] says of a row, so that a
/// page of those that count is as long as it was asked for. It is never NULL. The three parameters are those of
/// [`Verifiers`]; a canonical email has one `@`.
macro_rules! email_counts {
    ($identity:literal, $always:literal, $domains:literal, $hosted:literal) => {
        concat!(
            "(",
            $identity,
            ".email_verified AND (",
            $identity,
            ".provider = ANY(",
            $always,
            ") OR ",
            $identity,
            ".provider || '@' || split_part(",
            $identity,
            ".email_canonical, '@', 2) = ANY(",
            $domains,
            ") OR ",
            $identity,
            ".provider = ANY(",
            $hosted,
            ") AND ",
            $identity,
            ".profile_data->'hd' = to_jsonb(split_part(",
            $identity,
            ".email_canonical, '@', 2)))) IS TRUE"
        )
    };
}
pub(super) use email_counts;
