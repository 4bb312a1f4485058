//! The `[services.*]` tables: names for services, by which operators know them.

use std::sync::Arc;

use super::{declare::keys, keys::Text, reader::Reader};
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
        let issuer = r.parsed(&SERVICE.issuer, |text| {
            // Without any issuer there is another problem.
            let is_known = issuers.is_empty() || issuers.iter().any(|known| known.issuer == text);
            let unknown = || "is the issuer of none of the [issuers]".to_owned();
            is_known.then(|| text.to_owned()).ok_or_else(unknown)
        });
        let subject = r.text(&SERVICE.subject);
        r.finish(&ServiceKeys::described());
        // The form of a tenant's name: it is short, and needs no quotes anywhere.
        if TenantId::parse(&name).is_none() {
            reader.problem(&name, format!("the name {}", TenantId::FORM));
        }
        let (Some(issuer), Some(subject)) = (issuer, subject) else { continue };
        let is_it = |named: &&NamedService| named.issuer == issuer && named.subject == subject;
        match services.iter().find(is_it) {
            Some(same) => {
                let text = format!("is the service that is named {:?} already", &*same.name);
                reader.problem(&name, text);
            }
            None => services.push(NamedService { name: Arc::from(name), issuer, subject }),
        }
    }
    services
}
