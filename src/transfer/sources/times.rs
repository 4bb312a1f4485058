//! Times in the forms of the sources. What is finer than a microsecond is cut off.

use chrono::{DateTime, Datelike as _, NaiveDateTime, SubsecRound as _, Utc};

/// RFC 3339, such as `2026-02-03T04:05:06.007Z`.
pub(super) fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().and_then(|time| usable(time.to_utc()))
}

/// As databases write it: RFC 3339 with a space or `T`, an offset as `+00`, `+00:00` or ` +00:00`,
/// or none for UTC.
pub(super) fn sql(text: &str) -> Option<DateTime<Utc>> {
    let offset = ["%#z", " %#z", "Z"].iter().flat_map(|offset| {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"].map(|form| format!("{form}{offset}"))
    });
    let with_offset = || {
        offset.clone().find_map(|form| match form.strip_suffix('Z') {
            Some(bare) => {
                let bare = NaiveDateTime::parse_from_str(text.strip_suffix('Z')?, bare).ok()?;
                Some(bare.and_utc())
            }
            None => DateTime::parse_from_str(text, &form).ok().map(|time| time.to_utc()),
        })
    };
    let without = || {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|time| time.and_utc())
    };
    with_offset().or_else(without).and_then(usable)
}

/// Milliseconds since 1970, as digits.
pub(super) fn millis(digits: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(digits.parse().ok()?).and_then(usable)
}

/// Seconds since 1970, as digits.
pub(super) fn seconds(digits: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(digits.parse().ok()?, 0).and_then(usable)
}

/// Seconds since 1970 with a fraction, as the command line of AWS wrote times before version 2.
pub(super) fn fractional_seconds(digits: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if fraction.is_empty() || fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    DateTime::from_timestamp(whole.parse().ok()?, nanos.parse().ok()?).and_then(usable)
}

/// A time of the years 1 to 9999, which each reader of RFC 3339 accepts.
fn usable(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1..=9999).contains(&time.year()).then(|| time.trunc_subsecs(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(time: Option<DateTime<Utc>>) -> String {
        time.map_or("none".to_owned(), |time| time.to_rfc3339())
    }

    #[test]
    fn each_form_of_databases_is_read() {
        for (text, time) in [
            ("2026-02-03 04:05:06.007+00", "2026-02-03T04:05:06.007+00:00"),
            ("2026-02-03 04:05:06+05:30", "2026-02-02T22:35:06+00:00"),
            ("2021-03-04 05:06:07.089", "2021-03-04T05:06:07.089+00:00"),
            ("2021-03-04 05:07:00", "2021-03-04T05:07:00+00:00"),
            ("2021-03-04T05:07:00Z", "2021-03-04T05:07:00+00:00"),
            ("2021-03-04T05:07:00.5-01:00", "2021-03-04T06:07:00.500+00:00"),
            ("9999-12-31 23:59:59.9999999 +00:00", "9999-12-31T23:59:59.999999+00:00"),
            ("2021-03-04", "none"),
            ("NULL", "none"),
            ("2021-02-30 00:00:00", "none"),
        ] {
            assert_eq!(shown(sql(text)), time, "{text}");
        }
    }

    #[test]
    fn numbers_are_in_the_unit_of_their_source() {
        assert_eq!(shown(millis("1614834367089")), "2021-03-04T05:06:07.089+00:00");
        assert_eq!(shown(seconds("1614834367")), "2021-03-04T05:06:07+00:00");
        assert_eq!(shown(fractional_seconds("1614834367.089")), "2021-03-04T05:06:07.089+00:00");
        for text in ["", "1.", "1.x", "-", "1e3", "99999999999999999"] {
            assert_eq!(shown(fractional_seconds(text)), "none", "{text}");
        }
    }
}
