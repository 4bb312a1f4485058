//! When the certificates of the listener end. That they can be used, the configuration has checked.

use std::{fs, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_cert::{Certificate, der::Decode as _};

use super::Finding;
use crate::{clock::now, listener::TlsFiles};

/// How long before its end a certificate should have been renewed.
const SOON: TimeDelta = TimeDelta::days(14);

pub(super) fn examine(files: &TlsFiles) -> Vec<Finding> {
    let files = [Some(&files.certificate), files.client_ca.as_ref()];
    files.into_iter().flatten().map(|file| of_file(file, now())).collect()
}

/// What is to be said of the certificate in this file that ends first.
fn of_file(file: &Path, now: DateTime<Utc>) -> Finding {
    let name = file.display();
    let end = match first_end(file) {
        Ok(end) => end,
        Err(error) => return Finding::fail(format!("{name} {error}"), "correct the file"),
    };
    let day = end.date_naive();
    if end <= now {
        Finding::fail(format!("{name} has expired on {day}"), "renew it: clients refuse it")
    } else if end - now < SOON {
        Finding::warn(format!("{name} expires on {day}"), "renew it")
    } else {
        Finding::ok(format!("{name} is valid until {day}"))
    }
}

fn first_end(file: &Path) -> Result<DateTime<Utc>, String> {
    let pem = fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    let ends: Result<Vec<DateTime<Utc>>, String> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| {
            let certificate = certificate.map_err(|_| "is not PEM".to_owned())?;
            let parsed = Certificate::from_der(&certificate)
                .map_err(|_| "has a certificate that is not X.509".to_owned())?;
            let end = parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
            let end = i64::try_from(end).ok().and_then(|end| DateTime::from_timestamp(end, 0));
            Ok(end.unwrap_or(DateTime::<Utc>::MAX_UTC))
        })
        .collect();
    ends?.into_iter().min().ok_or_else(|| "has no certificate".to_owned())
}

#[cfg(test)]
mod tests {
    use identity_link_test_support::tls::Authority;

    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_certificate_is_renewed_in_the_two_weeks_before_its_end() {
        let file = std::env::temp_dir().join(format!("identity-link-{}.pem", std::process::id()));
        fs::write(&file, Authority::new("doctor").issue().certificate).unwrap();
        let end = first_end(&file).unwrap();
        let at = |before: TimeDelta| of_file(&file, end - before).level;

        assert_eq!(at(TimeDelta::days(15)), Level::Ok);
        assert_eq!(at(TimeDelta::days(13)), Level::Warn);
        assert_eq!(at(TimeDelta::zero()), Level::Fail);
        fs::write(&file, "no certificate").unwrap();
        assert_eq!(of_file(&file, end).level, Level::Fail);
        fs::remove_file(file).unwrap();
    }
}
