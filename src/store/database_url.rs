//! The URL of a database: what tokio-postgres does not read in libpq's form, and what readers of
//! such URLs disagree about.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, path::PathBuf};

use percent_encoding::percent_decode_str;

use crate::outgoing::AuthoritiesError;

/// What a URL may have in front of its parameters, and what the parameters call it.
const PLACES: [(&str, &[&str]); 3] = [
    ("a host", &["host", "hostaddr", "port"]),
    ("a user", &["user", "password"]),
    ("a database", &["dbname"]),
];

/// A URL without the parameters that are for TLS.
#[derive(Debug)]
pub(super) struct DatabaseUrl {
    /// The rest of it, for tokio-postgres.
    pub(super) url: String,
    /// The value of `sslmode`.
    pub(super) mode: Option<String>,
    /// The file that `sslrootcert` names.
    pub(super) roots: Option<PathBuf>,
}

/// Why a database address is unusable. It never contains a part of the address, which may contain a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not a connection URL.
    #[error(
        "is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded"
    )]
    Malformed,
    /// More than one `@`: the text after the first one would be taken for a host.
    #[error("has more than one @: write an @ in the user or the password as %40")]
    Ambiguous,
    /// Something that the URL has in front of its parameters is a parameter, too.
    #[error("has {0} in front of its parameters, and again as a parameter: remove one of the two")]
    Twice(&'static str),
    /// A parameter is there twice.
    #[error("has a parameter twice")]
    Repeated,
    /// A `+` in `options`.
    #[error("has a + in options: write a space as %20, and a plus as %2B")]
    Plus,
    /// `sslmode` is unknown.
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full")]
    Mode,
    /// `sslrootcert` does not name a file of certificates.
    #[error("sslrootcert names a file that {0}")]
    RootCertificates(AuthoritiesError),
    /// TLS cannot be set up.
    #[error("cannot be reached over TLS: the system's authorities {0}")]
    Tls(AuthoritiesError),
    /// Two passwords.
    #[error("has a password beside password_file: remove one of the two")]
    TwoPasswords,
}

impl DatabaseUrl {
    /// Splits a URL.
    ///
    /// # Errors
    /// [`AddressError`] for what other programs would read in another way, or tokio-postgres would
    /// read as something else than what was meant: one URL must name one database everywhere.
    pub(super) fn read(url: &str) -> Result<Self, AddressError> {
        // libpq's form `host=… user=…` is refused by the caller.
        let after_scheme = ["postgres://", "postgresql://"]
            .into_iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .ok_or(AddressError::Malformed)?;
        let (front, query) = after_scheme.split_once('?').unwrap_or((after_scheme, ""));
        // All text up to the first @ is user and password.
        let (user, rest) = match front.split_once('@') {
            Some((user, rest)) => (user, rest),
            None => ("", front),
        };
        if rest.contains('@') {
            return Err(AddressError::Ambiguous);
        }
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));

        let mut read = Self { url: String::new(), mode: None, roots: None };
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(AddressError::Malformed)?;
            // A plus for libpq and tokio-postgres, and a space for other drivers.
            if name == "options" && value.contains('+') {
                return Err(AddressError::Plus);
            }
            if names.contains(&name) {
                return Err(AddressError::Repeated);
            }
            names.push(name);
            match name {
                "sslmode" => read.mode = Some(value.to_owned()),
                "sslrootcert" => read.roots = Some(percent_decoded(value)),
                _ => others.push(parameter),
            }
        }
        for ((what, parameters), place) in PLACES.into_iter().zip([hosts, user, database]) {
            if !place.is_empty() && parameters.iter().any(|name| names.contains(name)) {
                return Err(AddressError::Twice(what));
            }
        }
        let base = url.split_once('?').map_or(url, |(base, _)| base);
        read.url = match others.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", others.join("&")),
        };
        Ok(read)
    }
}

/// The path that a parameter names. Like any part of a URL, it is percent-encoded; it need not be
/// UTF-8.
fn percent_decoded(path: &str) -> PathBuf {
    OsString::from_vec(percent_decode_str(path).collect()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Result<(String, Option<String>), String> {
        let read = DatabaseUrl::read(&format!("postgres://{rest}"));
        read.map(|read| (read.url, read.mode)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_every_driver_reads_alike_is_taken() {
        for good in [
            "u:p%40%2B@one.test:5432,two.test:5433/il?options=-c%20work_mem%3D8MB",
            "/il?host=/run/postgresql&user=u",
            "u@/il?host=/run/postgresql&port=5433",
            "h/il",
            "h",
        ] {
            assert_eq!(read(good), Ok((format!("postgres://{good}"), None)));
        }
        let (url, mode) = read("h/il?sslmode=require&options=-c%20a%3D1").unwrap();
        assert_eq!(url, "postgres://h/il?options=-c%20a%3D1");
        assert_eq!(mode.as_deref(), Some("require"));
    }

    #[test]
    fn the_path_of_the_root_certificates_is_percent_decoded() {
        let path = |url| DatabaseUrl::read(url).unwrap().roots.unwrap().into_os_string().into_vec();
        let url = "postgres://a@h/x?sslrootcert=/etc%2four%20CAs%2Fa+b%26c%3d100%25%C3%A9%ff.pem&sslmode=require";
        assert_eq!(path(url), b"/etc/our CAs/a+b&c=100%\xc3\xa9\xff.pem");
        assert_eq!(path("postgres://a@h/x?sslrootcert=/plain.pem"), b"/plain.pem");
    }

    #[test]
    fn what_drivers_read_differently_is_refused() {
        for (bad, why) in [
            ("u@h/il?host=elsewhere", AddressError::Twice("a host")),
            ("u@h/il?hostaddr=192.0.2.1", AddressError::Twice("a host")),
            ("u@h/il?port=1", AddressError::Twice("a host")),
            ("u@h/il?user=other", AddressError::Twice("a user")),
            ("u@h/il?password=other", AddressError::Twice("a user")),
            ("u@h/il?dbname=other", AddressError::Twice("a database")),
            ("u@h/il?sslmode=require&sslmode=disable", AddressError::Repeated),
            ("u@/il?host=one&host=two", AddressError::Repeated),
            ("u@h/il?options=-c+work_mem%3D8MB", AddressError::Plus),
            ("u:p@q@h/il", AddressError::Ambiguous),
            ("u@h/il?options", AddressError::Malformed),
        ] {
            assert_eq!(read(bad), Err(why.to_string()), "{bad}");
        }
    }
}
