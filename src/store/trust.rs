//! The providers that today's configuration trusts, in the form of parameters of statements.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{Session, StoreError, cached::Cached};
use crate::domain::{
    EmailTrust, LinkingPolicy, Provider, ProviderPolicies, ProviderPolicy, Undeclared,
};

/// The providers of a tenant's configuration.
pub(super) struct Trust {
    /// The policy of each provider.
    pub policies: ProviderPolicies,
    /// The providers that are trusted with emails.
    pub verifiers: Verifiers,
    /// The same, without those with `linking = "off"`.
    pub linking_verifiers: Verifiers,
    /// The providers at which users sign in.
    pub sign_in_providers: SignInProviders,
}

/// The providers that are trusted with emails, and with which ones. See [`email_counts`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verifiers {
    /// Providers that are trusted with all emails.
    pub always: Vec<String>,
    /// `provider@domain`, for each domain over which a provider has authority.
    pub domains: Vec<String>,
    /// Providers that are also trusted with the domain that an account's `hd` names.
    pub hosted: Vec<String>,
    /// Of all these providers, those whose emails also count by the word of an import.
    pub imported: Vec<String>,
}

/// The providers at which users sign in, or, where undeclared ones are allowed, those at which they
/// do not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SignInProviders {
    /// The listed providers, all of them declared.
    pub providers: Vec<String>,
    /// Whether users sign in at all other providers, instead of at the listed ones.
    pub at_others: bool,
}

impl Trust {
    pub(super) fn new(policies: ProviderPolicies) -> Self {
        Self {
            verifiers: Verifiers::from_policies(&policies, |_| true),
            linking_verifiers: Verifiers::from_policies(&policies, |policy| {
                policy.linking != LinkingPolicy::Off
            }),
            sign_in_providers: SignInProviders::from_policies(&policies),
            policies,
        }
    }
}

impl Verifiers {
    fn from_policies(policies: &ProviderPolicies, is_asked: fn(&ProviderPolicy) -> bool) -> Self {
        let mut verifiers = Self::default();
        // An undeclared provider is never trusted with emails.
        for (name, policy) in
            policies.declared.iter().filter(|(_, policy)| policy.enabled && is_asked(policy))
        {
            verifiers.imported.extend(policy.imported_emails.then(|| name.to_string()));
            match &policy.email_trust {
                EmailTrust::Never => {}
                EmailTrust::WhenVerified => verifiers.always.push(name.to_string()),
                EmailTrust::AuthoritativeDomains { domains, hosted } => {
                    verifiers
                        .domains
                        .extend(domains.iter().map(|domain| format!("{name}@{domain}")));
                    verifiers.hosted.extend(hosted.then(|| name.to_string()));
                }
            }
        }
        verifiers
    }
}

impl SignInProviders {
    fn from_policies(policies: &ProviderPolicies) -> Self {
        let at_others = policies.undeclared == Undeclared::Allow;
        let listed =
            policies.declared.iter().filter(|(_, policy)| policy.can_sign_in() != at_others);
        Self { providers: listed.map(|(name, _)| name.to_string()).collect(), at_others }
    }
}

/// The number of accounts at a provider.
#[derive(Debug, QueryableByName)]
pub struct ProviderAccounts {
    /// The provider.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// The number of accounts.
    #[diesel(sql_type = BigInt)]
    pub accounts: i64,
}

impl Session {
    /// The number of accounts at each provider that the tenant does not have. The query reads the
    /// names of all providers, with one index lookup each, and the accounts of the unknown ones
    /// only.
    pub async fn accounts_at_unknown_providers(
        &mut self,
    ) -> Result<Vec<ProviderAccounts>, StoreError> {
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
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Array<Text>, _>(declared);
        self.conn.load("accounts_at_unknown_providers", Cached(query)).await
    }
}

/// A condition: the identity's email counts as verified, as `IdentityEmail::judge` decides. It
/// is in SQL so that a page of such users is full. It is never NULL. The four parameters are those
/// of [`Verifiers`]; a canonical email has one `@`.
macro_rules! email_counts {
    ($identity:literal, $always:literal, $domains:literal, $hosted:literal, $imported:literal) => {
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
            ".email_canonical, '@', 2))) AND (",
            $identity,
            ".email_verifier->>'kind' <> 'import' OR ",
            $identity,
            ".provider = ANY(",
            $imported,
            "))) IS TRUE"
        )
    };
}
pub(super) use email_counts;
