//! The `[transfers]` table: how much callers may import and export over gRPC.

use std::time::Duration;

use super::{
    declare::keys,
    keys::{HOUR, Number, Time, seconds},
    reader::Reader,
};

keys! {
    /// Users in bulk over gRPC, as `TransferService` moves them. The commands of the operator have
    /// no such limits. The table may be missing.
    static KEYS: TransferKeys = "transfers" {
        /// How many bytes the rows of one import may have. The server keeps them in a temporary
        /// file, in the folder that the variable `TMPDIR` names (`/tmp` without it), until the
        /// import ends, and up to as much again for what it compares.
        max_import_bytes: Number = Number { default: 1024 * 1024 * 1024, bounds: 1..=(1 << 40) },
        /// How many imports are in progress at once. Further ones are refused with `OVERLOADED`.
        /// Each uses two connections to the database.
        max_imports: Number = Number { default: 1, bounds: 1..=100 },
        /// How many exports are in progress at once. Further ones are refused with `OVERLOADED`.
        /// Each uses at most two connections to the database, and none while it waits for its client.
        max_exports: Number = Number { default: 2, bounds: 1..=100 },
        /// How long a client may neither send nor take a message before its call ends.
        max_pause: Time = Time::within(seconds(60), seconds(1), seconds(HOUR)),
    }
}

/// How much callers may import and export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfers {
    /// How many bytes the rows of one import may have.
    pub max_import_bytes: u64,
    /// How many imports may be in progress at once.
    pub max_imports: usize,
    /// How many exports may be in progress at once.
    pub max_exports: usize,
    /// How long a client may neither send nor take a message.
    pub max_pause: Duration,
}

pub(super) fn read(mut r: Reader) -> Transfers {
    let settings = Transfers {
        max_import_bytes: u64::try_from(r.number(&KEYS.max_import_bytes)).unwrap_or(u64::MAX),
        max_imports: r.number(&KEYS.max_imports),
        max_exports: r.number(&KEYS.max_exports),
        max_pause: r.time(&KEYS.max_pause),
    };
    r.finish(&TransferKeys::described());
    settings
}
