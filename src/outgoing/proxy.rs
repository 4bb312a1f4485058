//! The proxy through which https goes out, and which hosts are reached without it.

use std::{fmt, sync::Arc};

use http::{Uri, uri::Scheme};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::is_this_machine;

/// A proxy for https, by the method CONNECT. `Debug` does not show its user and password.
#[derive(Clone)]
pub struct Proxy {
    matcher: Arc<Matcher>,
    /// What it is made of: the URL, and the exceptions.
    made_of: (String, String),
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.made_of == other.made_of
    }
}

/// Why a proxy cannot be used. The text contains nothing of its URL, which may contain a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyProblem {
    /// Not a URL of a proxy.
    #[error(
        "must be a URL such as http://user:password@proxy.example.com:3128, of http or https, with special characters of user and password percent-encoded"
    )]
    Url,
    /// An exception that would have no effect.
    #[error(
        "{0:?} must be a host, a domain, an address, or a range of addresses such as 10.0.0.0/8"
    )]
    Exception(String),
}

impl Proxy {
    /// The proxy at this URL, for all hosts except `exceptions`: names with all names below them,
    /// addresses, and ranges of addresses.
    ///
    /// # Errors
    /// Each problem with the URL and with the exceptions.
    pub fn new(
        url: &str,
        exceptions: impl IntoIterator<Item = String>,
    ) -> Result<Self, Vec<ProxyProblem>> {
        let (mut known, mut problems) = (Vec::new(), Vec::new());
        for exception in exceptions {
            match known_exception(&exception) {
                Some(exception) => known.push(exception),
                None => problems.push(ProxyProblem::Exception(exception)),
            }
        }
        if !is_usable(url) {
            problems.push(ProxyProblem::Url);
        }
        if problems.is_empty() {
            let made_of = (url.to_owned(), known.join(","));
            let matcher = Matcher::builder().https(url).no(made_of.1.as_str()).build();
            Ok(Self { matcher: Arc::new(matcher), made_of })
        } else {
            Err(problems)
        }
    }

    /// Where the proxy for this destination is, and how to authenticate there; `None` if the
    /// destination is reached without it.
    pub(super) fn towards(&self, destination: &Uri) -> Option<Intercept> {
        let is_here = destination.host().is_none_or(is_this_machine);
        if is_here { None } else { self.matcher.intercept(destination) }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matcher.fmt(f)
    }
}

/// Whether this is the URL of a proxy. The matcher would leave another one aside without a word, and
/// would take what follows the first `@` for the host.
fn is_usable(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let is_http = uri.scheme().is_none_or(|it| [Scheme::HTTP, Scheme::HTTPS].contains(it));
    let has_path = uri.path_and_query().is_some_and(|path| path.as_str() != "/");
    let is_clear = |authority: &str| authority.matches('@').count() <= 1;
    is_http
        && !has_path
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.authority().is_some_and(|authority| is_clear(authority.as_str()))
}

/// An exception in the form that the matcher knows; `None` if it knows none for it.
fn known_exception(text: &str) -> Option<String> {
    // "*.example.com" is usual, and unknown to the matcher.
    let exception = match text.strip_prefix("*.") {
        Some(domain) => format!(".{domain}"),
        None => text.to_owned(),
    };
    let (address, prefix) = exception.split_once('/').unwrap_or((&exception, "0"));
    let is_address = address.parse::<std::net::IpAddr>().is_ok_and(|address| {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits)
    });
    let is_name = !exception.trim_start_matches('.').is_empty()
        && exception.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    (exception == "*" || is_address || is_name).then_some(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, exceptions: &[&str]) -> Result<Proxy, Vec<ProxyProblem>> {
        Proxy::new(url, exceptions.iter().map(|it| (*it).to_owned()))
    }

    fn goes_through(exceptions: &[&str], destination: &'static str) -> bool {
        let proxy = proxy("http://proxy.example.com:3128", exceptions).unwrap();
        proxy.towards(&Uri::from_static(destination)).is_some()
    }

    #[test]
    fn https_to_other_machines_goes_through_the_proxy() {
        assert!(goes_through(&[], "https://a.example.com/jwks"));
        assert!(goes_through(&[], "https://192.0.2.1/jwks"));
        for here in [
            "https://localhost/",
            "https://127.0.0.1:8443/",
            "https://[::1]/",
            "http://localhost:81/",
            "http://127.1.2.3/",
        ] {
            assert!(!goes_through(&[], here), "{here}");
        }
    }

    #[test]
    fn exceptions_are_names_with_all_below_them_addresses_and_ranges() {
        for (exception, destination, is_direct) in [
            ("example.com", "https://example.com/", true),
            ("example.com", "https://a.b.example.com/", true),
            ("EXAMPLE.com", "https://a.Example.com/", true),
            ("example.com", "https://notexample.com/", false),
            ("example.com", "https://example.com.evil.test/", false),
            (".example.com", "https://a.example.com/", true),
            ("*.example.com", "https://a.example.com/", true),
            ("*.example.com", "https://notexample.com/", false),
            ("*", "https://a.example.com/", true),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("192.0.2.1", "https://192.0.2.1:8443/", true),
            ("2001:db8::/32", "https://[2001:db8::1]/", true),
        ] {
            assert_eq!(
                !goes_through(&[exception], destination),
                is_direct,
                "{exception} {destination}"
            );
        }
    }

    #[test]
    fn a_proxy_that_would_not_be_used_as_written_is_refused() {
        for good in [
            "http://proxy.example.com:3128",
            "https://proxy.example.com/",
            "proxy.example.com:3128",
            "http://u:p%40ss@proxy.example.com:3128",
            "http://[::1]:3128",
        ] {
            assert!(proxy(good, &[]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://",
            "socks5://proxy.example.com:1080",
            "http://u:p@ss@proxy.example.com:3128",
            "http://proxy.example.com/path",
            "/proxy",
            "http://u:secret word@proxy.example.com",
        ] {
            assert_eq!(proxy(bad, &[]).err(), Some(vec![ProxyProblem::Url]), "{bad}");
        }
        for bad in ["a.example.com:8443", "a b", "10.0.0.0/33", "a*.example.com", "", "."] {
            let problem = ProxyProblem::Exception(bad.to_owned());
            assert_eq!(proxy("http://a", &[bad]).err(), Some(vec![problem]));
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", proxy("http://user:sesame@proxy.example.com", &[]).unwrap());
        assert!(!shown.contains("sesame") && !shown.contains("user"), "{shown}");
    }
}
