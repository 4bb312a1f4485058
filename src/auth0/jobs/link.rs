//! The link to an export: a bearer secret, which is good for a moment. It names the job and its tenant,
//! and is authenticated under the tenant's key. Nothing of it is stored.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use crate::{domain::TenantId, store::TenantKey};

/// How long a link is good: as long as Auth0's ("Bulk User Exports").
const GOOD_FOR: TimeDelta = TimeDelta::seconds(60);
/// What the key makes the MAC for.
const PURPOSE: &str = "link to an export";
const MAC_BYTES: usize = 32;
const TIME_BYTES: usize = 8;
const JOB_BYTES: usize = 16;
/// The longest link that is read, in bytes.
const LONGEST: usize = 512;

/// A link to an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportLink {
    /// The job.
    pub job: Uuid,
    /// Its tenant.
    pub tenant: TenantId,
    /// When the token expires with which the link was made, in whole seconds. A download ends then.
    pub token_end: DateTime<Utc>,
    /// Until when a download may begin, in whole seconds.
    until: DateTime<Utc>,
}

impl ExportLink {
    /// A link that is made now, for a caller whose token expires then. It is not good for longer than
    /// the token.
    pub(super) fn new(
        job: Uuid,
        tenant: TenantId,
        token_end: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { job, tenant, token_end, until: token_end.min(now + GOOD_FOR) }
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
        let tenant = self.tenant.as_str().as_bytes();
        [until.to_be_bytes().as_slice(), &token_end.to_be_bytes(), self.job.as_bytes(), tenant]
            .concat()
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (until, rest) = time(payload)?;
        let (token_end, rest) = time(rest)?;
        let (job, tenant) = rest.split_at_checked(JOB_BYTES)?;
        let tenant = TenantId::parse(std::str::from_utf8(tenant).ok()?)?;
        Some(Self { job: Uuid::from_slice(job).ok()?, tenant, token_end, until })
    }
}

fn time(bytes: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (seconds, rest) = bytes.split_at_checked(TIME_BYTES)?;
    let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
    Some((DateTime::from_timestamp(seconds, 0)?, rest))
}
