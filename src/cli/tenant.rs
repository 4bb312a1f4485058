//! The tenant of a command that is about one.

use std::collections::BTreeMap;

use clap::Args;

use super::Failure;
use crate::{config::Tenant, domain::TenantId};

#[derive(Args)]
pub(super) struct TenantArgument {
    /// The tenant of the users. Required if the configuration has several
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

impl TenantArgument {
    /// The name that was given.
    pub(super) fn named(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The named tenant, or the only one.
    pub(super) fn find(&self, tenants: &BTreeMap<TenantId, Tenant>) -> Result<TenantId, Failure> {
        let mut all = tenants.keys();
        let names = || tenants.keys().map(TenantId::as_str).collect::<Vec<_>>().join(", ");
        match (self.tenant.as_deref(), all.next(), all.next()) {
            (Some(name), ..) => tenants
                .keys()
                .find(|tenant| tenant.as_str() == name)
                .cloned()
                .ok_or_else(|| Failure::usage(format!("--tenant: must be one of {}", names()))),
            (None, Some(only), None) => Ok(only.clone()),
            (None, ..) => Err(Failure::usage(format!("--tenant: is required: one of {}", names()))),
        }
    }
}
