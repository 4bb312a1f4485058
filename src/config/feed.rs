//! The `[feed]` table: how the feed is read, and how long it is kept.

use std::time::Duration;

use super::reader::Reader;
use crate::feed::FeedSettings;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(table: Option<Reader>) -> FeedSettings {
    let default = FeedSettings {
        poll_interval: Duration::from_millis(100),
        heartbeat: 15 * SECOND,
        retention: 90 * DAY,
        max_watchers: 2000,
        // At most as long as a removed key may still be accepted (SECURITY.md).
        max_watch: 600 * SECOND,
    };
    let Some(mut r) = table else { return default };
    let poll_interval = (default.poll_interval, Duration::from_millis(5)..=10 * SECOND);
    let settings = FeedSettings {
        poll_interval: r.duration_within("poll_interval", poll_interval),
        heartbeat: r.duration_within("heartbeat", (default.heartbeat, SECOND..=300 * SECOND)),
        retention: r.duration_within("retention", (default.retention, 3600 * SECOND..=3650 * DAY)),
        max_watchers: r.number("max_watchers", default.max_watchers, 1..=100_000),
        ..default
    };
    r.finish();
    settings
}
