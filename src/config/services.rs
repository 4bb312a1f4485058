//! The `[services.*]` tables: names for services, by which operators know them.

use std::sync::Arc;

use super::{
    keys::{Text, keys},
    reader::Reader,
};
use crate::{
    auth::{Issuer, NamedService},
    domain::TenantId,
};

keys! {
    /// A service that calls. The log and the metrics have the name, which is of the operator's
    /// choice. A service without a table has none, and is served alike.
    static SERVICE: ServiceKeys = "services.<service>" {
        /// The issuer of the service's tokens, as the table of the issuer has it.
        issuer: Text = Text::Required(""),
        /// The claim `sub` of the service's tokens.
        subject: Text = Text::Required(""),
    }
}

/// Reads the names. Each service has at most one.
pub(super) fn read(mut reader: Reader, issuers: &[Issuer]) -> Vec<NamedService> {
    let mut services: Vec<NamedService> = Vec::new();
    for (name, mut r) in reader.tables() {
        // The form of a tenant's name: it is short, and needs no quotes anywhere.
        if TenantId::parse(&name).is_none() {
            r.problem("", format!("the name {}", TenantId::FORM));
        }
        let (issuer, subject) = (r.text(&SERVICE.issuer), r.text(&SERVICE.subject));
        if let (Some(issuer), Some(subject)) = (issuer, subject) {
            // Without any issuer there is another problem.
            if !issuers.is_empty() && !issuers.iter().any(|known| known.issuer == issuer) {
                r.problem(SERVICE.issuer.name, "is the issuer of none of the [issuers]");
            }
            let same =
                services.iter().find(|named| named.issuer == issuer && named.subject == subject);
            match same {
                Some(same) => r.problem(
                    SERVICE.subject.name,
                    format!("is the service that is named {:?} already", &*same.name),
                ),
                None => services.push(NamedService { name: Arc::from(name), issuer, subject }),
            }
        }
        r.finish();
    }
    reader.finish();
    services
}
