//! The `[auth0]` table: the tenants, pages and pictures of Auth0's Management API over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderValue, Uri, uri::Scheme};

use super::{
    Tenant, UserIds,
    declare::keys,
    keys::{List, Text},
    origins::{self, parse_origin},
    problem::did_you_mean,
    reader::Reader,
};
use crate::domain::TenantId;

/// The settings of Auth0's Management API over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth0 {
    /// The tenants whose users the API serves.
    pub tenants: BTreeSet<TenantId>,
    /// The origins (RFC 6454) whose pages may call it from a browser.
    pub allowed_origins: Vec<HeaderValue>,
    /// The https URL of the picture for users without one, at most 1,024 bytes; `None` for the
    /// built-in picture.
    pub picture: Option<String>,
    /// The origin at which clients reach the API, for links; `None` for that of each request.
    pub url: Option<String>,
}

/// The longest URL of a picture, in bytes: a response contains it once for each such user.
const MAX_PICTURE: usize = 1024;

keys! {
    /// Auth0's Management API over HTTP. It is served if this table exists, on the port of gRPC.
    static KEYS: Auth0Keys = "auth0" {
        /// The tenants whose users are served; at least one. Their new users get ids of the form
        /// `provider|subject`, if such an id is free.
        tenants: List = List::Required(": whose users are served"),
        /// The origins (RFC 6454) whose pages may call from a browser, such as
        /// `https://app.example.com`, as browsers send them.
        allowed_origins: List = List::Default(&[]),
        /// The URL of the picture of users for which neither a provider nor a service gave one:
        /// https, at most 1024 bytes. If it is missing, these users get a built-in drawing.
        picture: Text = Text::Optional,
        /// The origin (RFC 6454) at which clients reach this API, such as
        /// `https://login.example.com`. The link to an export begins with it: https, or http for the
        /// own machine. If it is missing, the link begins with https and the host of the request that
        /// asks for it, which the proxy in front has to pass on.
        url: Text = Text::Optional,
    }
}

/// Reads the table. New users of its tenants get ids in Auth0's form.
pub(super) fn read(mut r: Reader, tenants: &mut BTreeMap<TenantId, Tenant>) -> Auth0 {
    let mut served = BTreeSet::new();
    let named = r.list(&KEYS.tenants);
    for name in named.iter().flatten() {
        let known = tenants.keys().find(|id| id.as_str() == name).cloned();
        let Some((id, tenant)) = known.and_then(|id| Some((id.clone(), tenants.get_mut(&id)?)))
        else {
            // Without tenants, the problem is that there are none.
            if !tenants.is_empty() {
                let meant = did_you_mean(name, tenants.keys().map(TenantId::as_str));
                let text = format!("{name:?} is not one of the [tenants]{meant}");
                r.problem(KEYS.tenants.name, text);
            }
            continue;
        };
        if tenant.user_ids == Some(UserIds::Random) {
            r.problem(
                KEYS.tenants.name,
                format!("{id} has user_ids = \"random\", which are not Auth0's: leave that out"),
            );
        }
        tenant.user_ids = Some(UserIds::ProviderSubject);
        served.insert(id);
    }
    if named.as_ref().is_some_and(BTreeSet::is_empty) {
        r.missing(&KEYS.tenants);
    }
    let allowed_origins = origins::read(&mut r, &KEYS.allowed_origins);
    let picture = r.parsed(&KEYS.picture, |url| {
        is_picture(url).then(|| url.to_owned()).ok_or_else(|| {
            format!("must be an https URL, such as \"https://example.com/who.png\", of at most {MAX_PICTURE} bytes")
        })
    });
    let url = r.parsed(&KEYS.url, |url| {
        is_own_origin(url).then(|| url.to_owned()).ok_or_else(|| {
            "must be an origin such as \"https://login.example.com\", without a path; http only for localhost, 127.0.0.1 or [::1]".to_owned()
        })
    });
    r.finish(&Auth0Keys::described());
    Auth0 { tenants: served, allowed_origins, picture, url }
}

/// Whether it is a URL (RFC 3986 §2, §4.3) that an https page can load and put between quotes.
fn is_picture(url: &str) -> bool {
    let is_spelt_so =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]!$&()*+,;=%".contains(&byte);
    let uri = url.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTPS));
    let has_host = uri.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    has_host && url.len() <= MAX_PICTURE && url.bytes().all(is_spelt_so)
}

/// Whether it is an origin over https, or of the own machine: a link is a secret.
fn is_own_origin(url: &str) -> bool {
    let is_safe = |uri: Uri| {
        uri.scheme() == Some(&Scheme::HTTPS)
            || uri.host().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
    };
    parse_origin(url).is_some() && url.parse().is_ok_and(is_safe)
}

#[cfg(test)]
mod tests {
    use super::{is_own_origin, is_picture};

    #[test]
    fn a_link_leaves_the_own_machine_over_https_only() {
        for good in ["https://login.example.com", "http://127.0.0.1:50051", "http://[::1]:8443"] {
            assert!(is_own_origin(good), "{good}");
        }
        for bad in [
            "",
            "http://login.example.com",
            "https://login.example.com/",
            "http://127.0.0.1.example.com",
        ] {
            assert!(!is_own_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_picture_is_an_https_url_that_fits_between_quotes() {
        for good in [
            "https://example.com/who.png",
            "https://cdn.example.com:8443/a%20b/who.svg?v=1&size=64",
        ] {
            assert!(is_picture(good), "{good}");
        }
        for bad in [
            "",
            "who.png",
            "/who.png",
            "//example.com/who.png",
            "https://",
            "https:///who.png",
            "http://example.com/who.png",
            "data:image/png;base64,AA==",
            "javascript:alert(1)",
            "https://me@example.com/who.png",
            "https://example.com/a b.png",
            "https://example.com/'onerror='alert(1)",
            "https://example.com/\"><script>",
            "https://example.com/who.png#part",
            "https://example.com/\u{fc}.png",
            "https://example.com/{id}.png",
        ] {
            assert!(!is_picture(bad), "{bad}");
        }
        assert!(!is_picture(&format!("https://example.com/{}", "x".repeat(1024))));
    }
}
