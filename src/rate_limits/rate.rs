//! A rate: calls per second, minute or hour.

use std::{fmt, num::NonZeroU32, time::Duration};

use governor::Quota;

/// The most calls of a rate.
const MOST: u32 = 1_000_000;
/// The periods of a rate, by their names.
const PERIODS: [(&str, Duration); 3] = [
    ("s", Duration::from_secs(1)),
    ("min", Duration::from_secs(60)),
    ("h", Duration::from_secs(60 * 60)),
];

/// How many calls a caller may make in a period. It may make all of them at once; after that, one
/// more whenever its share of the period has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    calls: NonZeroU32,
    period: Duration,
}

impl Rate {
    /// What [`Rate::parse`] accepts, in words.
    pub const FORM: &str =
        "1 to 1000000 calls per \"s\", \"min\" or \"h\", such as \"100/s\" or \"30/min\"";

    /// A rate from a text such as `100/s`, `30/min` or `1000/h`; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (calls, name) = text.split_once('/')?;
        let calls = calls.parse().ok().filter(|calls: &NonZeroU32| calls.get() <= MOST)?;
        let (_, period) = PERIODS.into_iter().find(|(period, _)| *period == name)?;
        Some(Self { calls, period })
    }

    /// This many calls per second.
    pub(super) const fn per_second(calls: NonZeroU32) -> Self {
        Self { calls, period: Duration::from_secs(1) }
    }

    /// The number of calls.
    pub fn calls(self) -> u32 {
        self.calls.get()
    }

    /// The time after which a caller that has used all may make one more call.
    pub(super) fn interval(self) -> Duration {
        self.period / self.calls()
    }

    pub(super) fn quota(self) -> Quota {
        // The interval is never zero: the shortest is a millionth of a second.
        let quota = Quota::with_period(self.interval());
        quota.unwrap_or_else(|| Quota::per_second(self.calls)).allow_burst(self.calls)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = PERIODS.iter().find(|(_, period)| *period == self.period);
        write!(f, "{}/{}", self.calls, name.map_or("s", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_of_calls_per_period() {
        for (text, interval) in [
            ("1/s", Duration::from_secs(1)),
            ("30/min", Duration::from_secs(2)),
            ("1/h", Duration::from_secs(3600)),
            ("1000000/s", Duration::from_micros(1)),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.to_string().as_str(), rate.interval()), (text, interval));
            assert_eq!(rate.quota().replenish_interval(), interval);
            assert_eq!(rate.quota().burst_size().get(), rate.calls());
        }
        for text in
            ["", "1", "/s", "0/s", "-1/s", "1.5/s", "1 /s", "1/ s", "1/d", "1/S", "1000001/s"]
        {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }
}
