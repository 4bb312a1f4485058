//! What is reached over HTTP: the keys of issuers, and the endpoints of providers.

use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, Response, Uri, header};
use hyper::body::Bytes;

use super::{Finding, clock};
use crate::{
    auth::{Issuer, KeySource, discovery::MetadataError, key_source::KeySourceError},
    clock::now,
    http_client::{FetchError, HttpClient},
    oauth::{ClientSettings, Examined, Misfit, examine},
};

/// By how much the times in tokens may differ from this machine's, so that they are accepted.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

const REACH: &str =
    "see whether this machine may reach it: its name, its certificate, a proxy, a firewall";

/// Looks for the keys of an issuer, and compares the clocks.
pub(super) async fn examine_issuer(http: &HttpClient, issuer: &Issuer) -> Vec<Finding> {
    let http = &http.trusting(issuer.keys.authorities.as_ref());
    let source = &issuer.keys.source;
    let mut findings = Vec::new();
    match source.read(http, &issuer.algorithms).await {
        Ok(_) => findings.push(Finding::ok(format!("{source} has keys"))),
        Err(error) => {
            let advice = match source {
                KeySource::File(_) => "correct the file, or its path",
                KeySource::Url(_) | KeySource::Discovery { .. } => {
                    "see whether this machine may reach the URL, and whether it is the one for this issuer's keys"
                }
            };
            let state = match error {
                // These name their URL, which may be another one.
                KeySourceError::Fetch(..) | KeySourceError::Metadata(_) => error.to_string(),
                _ => format!("{source} {error}"),
            };
            return vec![Finding::fail(format!("no keys: {state}"), advice)];
        }
    }
    if let KeySource::Url(url) | KeySource::Discovery { metadata: url, .. } = source {
        findings.extend(clock_of(http, url).await);
    }
    findings
}

/// Looks for the endpoints of a provider, asks each whether it responds, and compares the settings
/// with the provider's metadata.
pub(super) async fn examine_provider(http: &HttpClient, client: &ClientSettings) -> Vec<Finding> {
    let http = &http.trusting(client.authorities.as_ref());
    let Examined { endpoints: urls, misfits } = match examine(http, client).await {
        Ok(examined) => examined,
        Err(error) => {
            let advice = match error {
                MetadataError::Fetch(..) => REACH,
                MetadataError::Content(..) => {
                    "correct issuer, or have the provider correct its metadata"
                }
            };
            return vec![Finding::fail(error.to_string(), advice)];
        }
    };
    let mut findings = Vec::new();
    for url in &urls {
        // Any response shows that it is there: without a code there is nothing to exchange.
        if let Err(error) = get(http, url).await {
            findings.push(Finding::fail(format!("{url} does not respond: {error}"), REACH));
        }
    }
    if findings.is_empty() {
        let urls: Vec<String> = urls.iter().map(ToString::to_string).collect();
        findings.push(Finding::ok(format!("{} responds", urls.join(" and "))));
    }
    findings.extend(misfits.into_iter().map(|Misfit { is_fatal, state, advice }| match is_fatal {
        true => Finding::fail(format!("it {state}"), advice),
        false => Finding::warn(format!("it {state}"), advice),
    }));
    findings
}

/// The finding about the clock of a server, if its response has a date.
async fn clock_of(http: &HttpClient, url: &Uri) -> Option<Finding> {
    let asked = now();
    let response = get(http, url).await.ok()?;
    // The date is of some time in between.
    let here = asked + (now() - asked) / 2;
    let text = |name| response.headers().get(name)?.to_str().ok();
    let date = DateTime::parse_from_rfc2822(text(header::DATE)?).ok()?.with_timezone(&Utc);
    // A cache responds with the date of what it keeps (RFC 9111 §5.1).
    let age = text(header::AGE).and_then(|age| age.parse().ok()).unwrap_or(0_u32);
    clock(date + TimeDelta::seconds(age.into()) - here, LEEWAY)
}

async fn get(http: &HttpClient, url: &Uri) -> Result<Response<Bytes>, FetchError> {
    let request = Request::get(url).body(Bytes::new());
    http.send(request.map_err(|error| FetchError::Transport(error.to_string()))?).await
}
