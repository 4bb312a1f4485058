//! `token`: prints one JWT of a local issuer, and nothing else. The feature `dev` has it.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use identity_link_dev::issuers::{self, Bearer, TENANTS, TokenRequest};

use super::{
    Failure,
    dev::{DATA_DIR, scopes},
    parse_duration, say,
};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("bearer").required(true).args(["user", "identity", "service"]))]
pub(super) struct TokenArguments {
    /// The data folder of `dev`
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// The user, by its id
    #[arg(long, value_name = "USER_ID")]
    user: Option<String>,
    /// The user, by an account at a demo provider
    #[arg(long, num_args = 2, value_names = ["PROVIDER", "SUBJECT"])]
    identity: Option<Vec<String>>,
    /// The email that the identity's token claims
    #[arg(long, requires = "identity")]
    email: Option<String>,
    /// Claim the email as verified
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// The service, by a name of your choice
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The scopes, separated by spaces; by default all that the token can have
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// The tenant
    #[arg(long, default_value = TENANTS[0])]
    tenant: String,
    /// How long the token is valid, at most 24h; clocks may differ, so it is accepted for 30s more
    #[arg(long, value_parser = parse_ttl, default_value = "1h")]
    ttl: Duration,
}

/// The longest validity that the issuers of `dev` may give.
const MAX_TTL: Duration = Duration::from_secs(24 * 3600);

fn parse_ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .and_then(|ttl| if ttl > MAX_TTL { Err("must be at most 24h".to_owned()) } else { Ok(ttl) })
}

pub(super) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    if arguments.email.is_some() && arguments.identity.is_none() {
        return Err(Failure::usage("--email requires --identity"));
    }
    let email = arguments.email.clone().map(|email| (email, arguments.email_verified));
    let bearer = match (&arguments.user, arguments.identity.as_deref(), &arguments.service) {
        (Some(id), _, _) => Bearer::User(id.clone()),
        (None, Some([provider, subject]), _) => {
            Bearer::Identity { provider: provider.clone(), subject: subject.clone(), email }
        }
        (None, _, Some(name)) => Bearer::Service(name.clone()),
        (None, _, None) => {
            return Err(Failure::usage("--user, --identity or --service is required"));
        }
    };
    let scope = arguments.scope.clone().unwrap_or_else(|| all_scopes(&bearer));
    let request =
        TokenRequest { bearer, scope, tenant: arguments.tenant.clone(), ttl: arguments.ttl };
    say(&issuers::sign(&arguments.data_dir, &request)?)
}

/// All scopes that a token of this caller can have.
fn all_scopes(bearer: &Bearer) -> String {
    let all = scopes();
    let scopes = match bearer {
        Bearer::Service(_) => all.service,
        Bearer::User(_) | Bearer::Identity { .. } => all.user,
    };
    Vec::from_iter(scopes).join(" ")
}
