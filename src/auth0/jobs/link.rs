//! The link to an export: a bearer secret, which is good for a moment. It names the job and its tenant,
//! and is authenticated under the tenant's key. Nothing of it is stored.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use crate::{
    auth::{Issuers, Permit},
    domain::TenantId,
    store::TenantKey,
};

/// How long a link is good: as long as Auth0's ("Bulk User Exports").
const GOOD_FOR: TimeDelta = TimeDelta::seconds(60);
/// What the key makes the MAC for.
const PURPOSE: &str = "link to an export";
const MAC_BYTES: usize = 32;
const TIME_BYTES: usize = 8;
const JOB_BYTES: usize = 16;
/// The longest link that is read, in bytes: the names of issuers are URLs.
const LONGEST: usize = 4096;
/// Ends the tenant, and the thumbprint. Neither has it.
const END: u8 = 0;

/// A link to an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportLink {
    /// The job.
    pub job: Uuid,
    /// Its tenant.
    pub tenant: TenantId,
    /// The issuer of the token with which the link was made.
    pub issuer: String,
    /// The thumbprint of the key that signed that token; no key has an empty one.
    pub key: String,
    /// When the token expires with which the link was made, in whole seconds. A download ends then.
    pub token_end: DateTime<Utc>,
    /// Until when a download may begin, in whole seconds.
    until: DateTime<Utc>,
}

impl ExportLink {
    /// A link that is made now, for the caller with this permit. It is not good for longer than the
    /// caller's token.
    pub(super) fn new(job: Uuid, permit: &Permit, now: DateTime<Utc>) -> Self {
        let (issuer, _) = permit.caller().issuer_and_subject();
        let (tenant, token_end) = (permit.tenant().clone(), permit.expire_time());
        let until = token_end.min(now + GOOD_FOR);
        let key = permit.verified_by().map(|keys| keys.thumbprint().to_owned());
        let (issuer, key) = (issuer.to_owned(), key.unwrap_or_default());
        Self { job, tenant, issuer, key, token_end, until }
    }

    /// Whether tokens of the issuer, as it is configured now, may have this scope for the tenant. Those
    /// from before its `tokens_valid_from` have ended, and so have the links.
    pub(super) fn is_permitted(&self, issuers: &Issuers, scope: &str) -> bool {
        issuers.find(&self.issuer).is_some_and(|(issuer, _)| {
            let begins = issuer.tokens_valid_from;
            issuer.bearer.is_some()
                && issuer.allowed_scopes.contains(scope)
                && issuer.tenant.tenants().contains(&&self.tenant)
                && begins.is_none_or(|begins| begins <= self.until - GOOD_FOR)
        })
    }

    /// Its text, which fits into a path.
    pub(super) fn text(&self, key: &TenantKey) -> String {
        let payload = self.payload();
        BASE64URL_NOPAD.encode(&[key.mac(PURPOSE, &payload).as_slice(), &payload].concat())
    }

    /// The link of a text; `None` if it was not made here, or is not good any more. `key` returns the
    /// key of a tenant that is served.
    pub(super) fn parse<'a>(
        text: &str,
        now: DateTime<Utc>,
        key: impl FnOnce(&TenantId) -> Option<&'a TenantKey>,
    ) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= LONGEST)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (mac, payload) = bytes.split_at_checked(MAC_BYTES)?;
        let unverified = Self::read(payload)?;
        let key = key(&unverified.tenant)?;
        verify_slices_are_equal(mac, &key.mac(PURPOSE, payload)).ok()?;
        Some(unverified).filter(|link| now < link.until)
    }

    fn payload(&self) -> Vec<u8> {
        let [until, token_end] = [self.until, self.token_end].map(|time| time.timestamp());
        let times = [until.to_be_bytes(), token_end.to_be_bytes()].concat();
        let (tenant, issuer) = (self.tenant.as_str().as_bytes(), self.issuer.as_bytes());
        let key = self.key.as_bytes();
        [times.as_slice(), self.job.as_bytes(), tenant, &[END], key, &[END], issuer].concat()
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (until, rest) = time(payload)?;
        let (token_end, rest) = time(rest)?;
        let (job, names) = rest.split_at_checked(JOB_BYTES)?;
        let (tenant, names) = std::str::from_utf8(names).ok()?.split_once(char::from(END))?;
        let (key, issuer) = names.split_once(char::from(END))?;
        let (job, tenant) = (Uuid::from_slice(job).ok()?, TenantId::parse(tenant)?);
        let (issuer, key) = (issuer.to_owned(), key.to_owned());
        Some(Self { job, tenant, issuer, key, token_end, until })
    }
}

fn time(bytes: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (seconds, rest) = bytes.split_at_checked(TIME_BYTES)?;
    let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
    Some((DateTime::from_timestamp(seconds, 0)?, rest))
}
