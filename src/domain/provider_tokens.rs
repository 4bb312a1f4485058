//! Tokens that a provider issued in a flow, as they are kept: sealed.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, TimeDelta, Utc};

/// How long an access token must still be good to be handed out without a refresh.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// The tokens of an account, sealed, with what must be known of them without opening them. `Debug`
/// does not show the sealed bytes.
#[derive(Clone, PartialEq)]
pub struct KeptTokens {
    /// The issuer of the tokens.
    pub issuer: String,
    /// Names the key that opens them.
    pub key_id: String,
    /// The sealed tokens.
    pub sealed: Vec<u8>,
    /// The scopes of the access token.
    pub scopes: BTreeSet<String>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// When the access token expires; `None` if the provider did not say.
    pub expire_time: Option<DateTime<Utc>>,
}

impl fmt::Debug for KeptTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptTokens")
    }
}

impl KeptTokens {
    /// Whether the access token can be handed out at `now` without a refresh: it has a minute left,
    /// or cannot be refreshed and has not expired. A token without an expiry counts as good.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        let margin = if self.refreshable { MARGIN } else { TimeDelta::zero() };
        self.expire_time.is_none_or(|expires| now + margin < expires)
    }

    /// Those of these scopes that the access token lacks.
    pub fn missing(&self, wanted: &BTreeSet<String>) -> Vec<String> {
        wanted.difference(&self.scopes).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(refreshable: bool, seconds: Option<i64>) -> KeptTokens {
        KeptTokens {
            issuer: String::new(),
            key_id: String::new(),
            sealed: b"sealed".to_vec(),
            scopes: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            refreshable,
            expire_time: seconds.map(|seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)),
        }
    }

    #[test]
    fn a_token_that_can_be_refreshed_is_good_until_a_minute_before_its_expiry() {
        for (refreshable, seconds, is_good) in [
            (true, None, true),
            (true, Some(61), true),
            (true, Some(60), false),
            (false, Some(1), true),
            (false, Some(0), false),
            (false, None, true),
        ] {
            let tokens = tokens(refreshable, seconds);
            assert_eq!(tokens.is_good(DateTime::UNIX_EPOCH), is_good, "{refreshable} {seconds:?}");
        }
    }

    #[test]
    fn the_scopes_that_a_token_lacks_are_named() {
        let wanted = BTreeSet::from(["b".to_owned(), "c".to_owned(), "d".to_owned()]);
        assert_eq!(tokens(true, None).missing(&wanted), ["c", "d"]);
        assert_eq!(format!("{:?}", tokens(true, None)), "KeptTokens");
    }
}
