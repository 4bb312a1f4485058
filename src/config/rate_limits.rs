//! The `[rate_limits]` table: how many calls each caller may make.

use super::{
    declare::keys,
    keys::{Flag, Key, Nested, Text},
    reader::Reader,
};
use crate::{
    auth,
    rate_limits::{CallerSettings, NamedService, Rate, RateLimitSettings},
};

/// The value of a limit that is none.
const UNLIMITED: &str = "unlimited";

keys! {
    /// How many calls each caller may make, by class: `reads`, `writes`, `sign_ins`. The table may
    /// be missing, and there is no limit then. Each server counts for itself.
    static ROOT: RateLimitKeys = "rate_limits" {
        /// The limits of each service.
        services: Nested = Nested::Optional,
        /// The limits of each user that calls with its own token.
        users: Nested = Nested::Optional,
        /// Services with limits of their own, a table for each, under their name in `[services]`.
        named_services: Nested = Nested::Optional,
    }
}

keys! {
    /// The limits of each service that calls, by the issuer and the `sub` of its tokens.
    static SERVICES: ServiceLimitKeys = "rate_limits.services" {
        /// How many calls that only read a service may make, such as `"100/s"`, `"30/min"` or
        /// `"1000/h"`. It may make as many at once, and then one more whenever its share of the
        /// period has passed. `"unlimited"` or a missing key means no limit.
        reads: Text = Text::Optional,
        /// The same for calls that change something.
        writes: Text = Text::Optional,
        /// The same for `StartSignIn`, `CompleteSignIn` and `ResolveSignIn`.
        sign_ins: Text = Text::Optional,
        /// Whether calls above these limits are carried out, and only counted in the log.
        shadow: Flag = Flag { default: false },
    }
}

keys! {
    /// The limits of each user that calls, by the issuer and the `sub` of its tokens.
    static USERS: UserLimitKeys = "rate_limits.users" {
        /// How many calls that only read a user may make, as in `rate_limits.services`.
        reads: Text = Text::Optional,
        /// The same for calls that change something.
        writes: Text = Text::Optional,
        /// Whether calls above these limits are carried out, and only counted in the log.
        shadow: Flag = Flag { default: false },
    }
}

keys! {
    /// A service with limits of its own. `[services]` has the same name. A class without a limit here
    /// has that of `rate_limits.services`.
    static NAMED: NamedServiceKeys = "rate_limits.named_services.<service>" {
        /// How many calls that only read the service may make.
        reads: Text = Text::Optional,
        /// The same for calls that change something.
        writes: Text = Text::Optional,
        /// The same for sign-ins.
        sign_ins: Text = Text::Optional,
        /// Whether calls above these limits are carried out, and only counted in the log.
        shadow: Flag = Flag { default: false },
    }
}

pub(super) fn read(mut r: Reader, known: &[auth::NamedService]) -> RateLimitSettings {
    let mut services = r.table_or_empty(&ROOT.services);
    let of_services = CallerSettings {
        reads: limit(&mut services, &SERVICES.reads).flatten(),
        writes: limit(&mut services, &SERVICES.writes).flatten(),
        sign_ins: limit(&mut services, &SERVICES.sign_ins).flatten(),
        shadow: services.flag(&SERVICES.shadow),
    };
    services.finish(&ServiceLimitKeys::described());
    let mut users = r.table_or_empty(&ROOT.users);
    let of_users = CallerSettings {
        reads: limit(&mut users, &USERS.reads).flatten(),
        writes: limit(&mut users, &USERS.writes).flatten(),
        sign_ins: None,
        shadow: users.flag(&USERS.shadow),
    };
    users.finish(&UserLimitKeys::described());
    let named = r.table(&ROOT.named_services).map(|table| read_named(table, &of_services, known));
    r.finish(&RateLimitKeys::described());
    RateLimitSettings {
        services: of_services,
        users: of_users,
        named_services: named.unwrap_or_default(),
    }
}

fn read_named(
    mut r: Reader,
    services: &CallerSettings,
    known: &[auth::NamedService],
) -> Vec<NamedService> {
    let mut named = Vec::new();
    for (name, mut table) in r.tables() {
        let settings = CallerSettings {
            reads: limit(&mut table, &NAMED.reads).unwrap_or(services.reads),
            writes: limit(&mut table, &NAMED.writes).unwrap_or(services.writes),
            sign_ins: limit(&mut table, &NAMED.sign_ins).unwrap_or(services.sign_ins),
            shadow: table.flag(&NAMED.shadow),
        };
        table.finish(&NamedServiceKeys::described());
        match known.iter().find(|service| *service.name == *name) {
            Some(auth::NamedService { issuer, subject, .. }) => named.push(NamedService {
                issuer: issuer.clone(),
                subject: subject.clone(),
                settings,
            }),
            None => r.problem(&name, "is none of the [services]"),
        }
    }
    named
}

/// The limit under a key; `Some(None)` if the operator sets that there is none.
fn limit(r: &mut Reader, key: &Key<Text>) -> Option<Option<Rate>> {
    r.parsed(key, |text| match text {
        UNLIMITED => Ok(None),
        text => Rate::parse(text)
            .map(Some)
            .ok_or_else(|| format!("must be \"unlimited\", or {}", Rate::FORM)),
    })
}
