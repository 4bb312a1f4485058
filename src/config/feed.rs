//! The `[feed]` table: how the feed is read, and how long it is kept.

use std::time::Duration;

use super::{
    declare::keys,
    keys::{DAY, HOUR, MINUTE, Number, Time, seconds},
    reader::Reader,
};
use crate::feed::FeedSettings;

keys! {
    /// How the feed of events is read, and how long it is kept. The table may be missing.
    static KEYS: FeedKeys = "feed" {
        /// How often the server looks for events of other servers' calls, by one short query, while
        /// a client watches. Events of its own calls are read at once.
        poll_interval: Time = Time::within(Duration::from_millis(25), Duration::from_millis(5), seconds(10)),
        /// How long a watch may be silent before the server sends a message without events.
        heartbeat: Time = Time::within(seconds(15), seconds(1), seconds(5 * MINUTE)),
        /// How long events are kept. Then they are removed, and positions before them expire.
        retention: Time = Time::within(seconds(90 * DAY), seconds(HOUR), seconds(3650 * DAY)),
        /// The maximum number of watches at once.
        max_watchers: Number = Number { default: 2000, bounds: 1..=100_000 },
    }
}

pub(super) fn read(mut r: Reader) -> FeedSettings {
    let settings = FeedSettings {
        poll_interval: r.time(&KEYS.poll_interval),
        heartbeat: r.time(&KEYS.heartbeat),
        retention: r.time(&KEYS.retention),
        max_watchers: r.number(&KEYS.max_watchers),
        // At most as long as a removed key may still be accepted (SECURITY.md).
        max_watch: seconds(10 * MINUTE),
    };
    r.finish(&FeedKeys::described());
    settings
}
