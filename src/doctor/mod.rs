//! Checks from outside whether a server with this configuration could serve: its database, its
//! issuers, its providers, the clocks and the certificates. It changes nothing, and shows no secret.

mod certificates;
mod database;
mod over_http;

use std::{fmt, future::Future, time::Duration};

use chrono::TimeDelta;
use futures_util::{FutureExt as _, future::BoxFuture, future::join_all};
use tokio::time::timeout;

use crate::{config::Config, http_client::HttpClient};

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The difference of clocks from which tokens are in danger of being judged wrongly.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

/// How good the state of something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// It works, and something should be done.
    Warn,
    /// A server could not serve, or not all callers.
    Fail,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub level: Level,
    /// What was looked at, such as `database` or `issuer https://auth.example.com`.
    pub subject: String,
    /// Its state.
    pub state: String,
    /// What the operator should do; empty if nothing.
    pub advice: String,
}

impl Finding {
    fn ok(state: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            subject: String::new(),
            state: state.into(),
            advice: String::new(),
        }
    }

    fn warn(state: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warn, advice: advice.into(), ..Self::ok(state) }
    }

    fn fail(state: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(state, advice) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {}: {}", self.level.to_string(), self.subject, self.state)?;
        if !self.advice.is_empty() {
            write!(f, ". To do: {}", self.advice)?;
        }
        Ok(())
    }
}

/// Checks everything at once, and returns the findings in the order of the configuration.
pub async fn examine(config: &Config, http: &HttpClient) -> Vec<Finding> {
    let mut checks: Vec<BoxFuture<'_, Vec<Finding>>> = Vec::new();
    if let Some(tls) = &config.tls {
        checks.push(check("tls", async { certificates::examine(tls) }).boxed());
    }
    let database = format!("database {}", config.database.address.hosts());
    checks.push(check(&database, database::examine(config)).boxed());
    checks.extend(checks_of_providers(config, http));
    for issuer in &config.issuers {
        let subject = format!("issuer {}", issuer.issuer);
        checks.push(check(&subject, over_http::examine_issuer(http, issuer)).boxed());
    }
    join_all(checks).await.into_iter().flatten().collect()
}

/// Checks only the providers at which people sign in: whether they can be reached, and whether the
/// settings fit their metadata.
pub async fn examine_providers(config: &Config, http: &HttpClient) -> Vec<Finding> {
    join_all(checks_of_providers(config, http)).await.into_iter().flatten().collect()
}

fn checks_of_providers<'a>(
    config: &'a Config,
    http: &'a HttpClient,
) -> Vec<BoxFuture<'a, Vec<Finding>>> {
    let mut checks = Vec::new();
    for (tenant, settings) in &config.tenants {
        for (provider, settings) in &settings.providers {
            if let Some(client) = &settings.oauth {
                let subject = format!("provider {provider} of tenant {tenant}");
                checks.push(check(&subject, over_http::examine_provider(http, client)).boxed());
            }
        }
    }
    checks
}

/// The findings of one check, within its time.
fn check<'a>(
    subject: &str,
    findings: impl Future<Output = Vec<Finding>> + Send + 'a,
) -> impl Future<Output = Vec<Finding>> + Send + 'a {
    let subject = subject.to_owned();
    async move {
        let found = timeout(PATIENCE, findings).await.unwrap_or_else(|_| {
            vec![Finding::fail(
                format!("does not respond within {} seconds", PATIENCE.as_secs()),
                "see whether the network lets this machine reach it",
            )]
        });
        found.into_iter().map(|finding| Finding { subject: subject.clone(), ..finding }).collect()
    }
}

/// The finding about a clock that is ahead of this machine's by `ahead`; `None` if they agree.
fn clock(ahead: TimeDelta, may_differ: TimeDelta) -> Option<Finding> {
    if ahead.abs() <= CLOCKS_DIFFER {
        return None;
    }
    let (seconds, side) =
        (ahead.num_seconds().abs(), if ahead > TimeDelta::zero() { "ahead of" } else { "behind" });
    let state = format!("its clock is {seconds} seconds {side} this machine's");
    let advice = "synchronize both clocks, by NTP: tokens are judged by the time";
    Some(match ahead.abs() > may_differ {
        true => Finding::fail(state, advice),
        false => Finding::warn(state, advice),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_bad_from_its_bound_on_in_both_directions() {
        let level = |seconds| {
            clock(TimeDelta::seconds(seconds), TimeDelta::seconds(30)).map(|finding| finding.level)
        };
        for (seconds, expected) in [
            (0, None),
            (5, None),
            (-5, None),
            (6, Some(Level::Warn)),
            (-30, Some(Level::Warn)),
            (31, Some(Level::Fail)),
            (-31, Some(Level::Fail)),
        ] {
            assert_eq!(level(seconds), expected, "{seconds}");
        }
    }
}
