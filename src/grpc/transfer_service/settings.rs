//! The settings of an import.

use std::sync::Arc;

use tonic::{Status, Streaming};

use crate::{
    auth::Permit,
    clock,
    grpc::{
        proto::{self as pb, import_provider::Target, import_users_request::Part::Settings},
        requests::Checks,
        status,
    },
    transfer::import::{Checker, ProviderMap, ProviderMapError},
    use_cases::{Error, UseCases},
};

/// The most entries of the map of providers.
const MAX_PROVIDERS: usize = 1000;
/// The longest name of a provider in the rows, in bytes.
const MAX_NAME: usize = 255;

/// The settings in the first message of an import.
///
/// # Errors
/// If the message does not arrive, or has no settings.
pub(super) async fn first_message(
    messages: &mut Streaming<pb::ImportUsersRequest>,
) -> Result<pb::ImportSettings, Status> {
    let message = messages.message().await.map_err(status::of_message)?;
    match message.and_then(|message| message.part) {
        Some(Settings(settings)) => Ok(settings),
        _ => {
            let mut checks = Checks::default();
            checks.report("settings", "are required in the first message");
            Err(refused(checks))
        }
    }
}

/// The refusal of a message with these wrong fields.
pub(super) fn refused(checks: Checks) -> Status {
    checks.into_result().map_or_else(status::from_domain_error, |()| status::fault())
}

/// What the rows are checked by.
///
/// # Errors
/// All wrong entries of the map.
pub(super) fn checker(
    use_cases: &UseCases,
    permit: &Permit,
    settings: &pb::ImportSettings,
) -> Result<Checker, Error> {
    let tenant = use_cases.tenant(permit)?;
    let (mut checks, mut map) = (Checks::default(), ProviderMap::default());
    if settings.providers.len() > MAX_PROVIDERS {
        checks.report("settings.providers", format!("must be at most {MAX_PROVIDERS}"));
    }
    for (at, entry) in settings.providers.iter().take(MAX_PROVIDERS).enumerate() {
        let field = format!("settings.providers[{at}]");
        if !(1..=MAX_NAME).contains(&entry.name.len()) {
            checks.report(&format!("{field}.name"), format!("must be 1 to {MAX_NAME} bytes"));
        }
        let to = match &entry.target {
            Some(Target::Provider(provider)) => Some(provider.as_str()),
            Some(Target::LeftOut(true)) => None,
            Some(Target::LeftOut(false)) => {
                checks.report(&format!("{field}.left_out"), "must be true where it is set");
                continue;
            }
            None => {
                checks.report(&field, "needs a provider, or left_out");
                continue;
            }
        };
        match map.insert(&entry.name, to, tenant) {
            Ok(()) => {}
            Err(ProviderMapError::Twice(_)) => {
                checks.report(&format!("{field}.name"), "has an earlier entry");
            }
            Err(ProviderMapError::Unknown(_) | ProviderMapError::Form(_)) => {
                checks.report(
                    &format!("{field}.provider"),
                    "is no provider of the tenant: the operator has to declare it first",
                );
            }
        }
    }
    checks.into_result()?;
    let (tenant, providers) = (Arc::new(tenant.clone()), Arc::new(map));
    Ok(Checker { tenant, providers, now: clock::now() })
}
