//! Why a connection failed, in words for operators.

use std::{error::Error, io};

use rustls::{CertificateError, InvalidMessage};

/// The causes of an error, from the outermost to the one that an operator can act on. The libraries
/// keep them apart from their texts, which say no more than "client error (Connect)".
pub fn why(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let (part, goes_on) = match words(cause) {
            Words::None => (None, true),
            Words::These(text) => (Some(text), true),
            Words::Whole(text) => (Some(text), false),
        };
        // Some libraries repeat their cause in their own text.
        let part = part.filter(|part| !parts.iter().any(|known| known.contains(part)));
        parts.extend(part);
        next = if goes_on { cause.source() } else { None };
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

/// What one cause says.
enum Words {
    /// Nothing that its own cause does not say better.
    None,
    These(String),
    /// These, and those of its causes.
    Whole(String),
}

fn words(cause: &(dyn Error + 'static)) -> Words {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Words::Whole(of_tls(error));
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return Words::Whole(match error.get_ref() {
            // Its source is that of the error inside, which would be left out.
            Some(inner) => why(inner),
            None => of_system(error),
        });
    }
    if cause.is::<hyper_util::client::legacy::Error>() && cause.source().is_some() {
        return Words::None;
    }
    match cause.to_string().as_str() {
        "tcp connect error" | "dns error" | "connection error" => Words::None,
        "tls handshake eof" => Words::Whole("the connection ended in the TLS handshake".to_owned()),
        text => match text.strip_prefix(UNRESOLVED) {
            Some(rest) => Words::Whole(format!("the host's name cannot be resolved{rest}")),
            None => Words::These(text.to_owned()),
        },
    }
}

/// How the standard library begins the error of a name that the system cannot resolve.
const UNRESOLVED: &str = "failed to lookup address information";

fn of_system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::HostUnreachable => "the host cannot be reached".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network cannot be reached".to_owned(),
        io::ErrorKind::TimedOut => "the connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(alert) => {
            format!("the other side ended the TLS handshake: {alert:?}")
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the other side does not speak TLS".to_owned()
        }
        error => format!("TLS failed: {error}"),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "the certificate's issuer is unknown".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<&str> = presented.iter().map(|name| plain_name(name)).collect();
            format!("the certificate is for other names: {}", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for no such name".to_owned()
        }
        error => match error.to_string() {
            // What `openssl req -x509` makes by default. The library has no variant for it.
            text if text.contains("CaUsedAsEndEntity") => {
                "the certificate is that of an authority, not of a server".to_owned()
            }
            text => format!("the certificate is not valid: {text}"),
        },
    }
}

/// A name without the library's mark of its kind: `DnsName("example.com")`.
fn plain_name(name: &str) -> &str {
    name.strip_prefix("DnsName(\"").and_then(|name| name.strip_suffix("\")")).unwrap_or(name)
}
