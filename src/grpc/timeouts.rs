//! The deadline that a client sets (gRPC over HTTP2, "Requests").

use std::time::Duration;

use http::HeaderMap;

/// The metadata key of the deadline.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The client's deadline: one to eight digits and a unit. `None` for any other value.
pub fn requested(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get(GRPC_TIMEOUT)?.as_bytes().split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(number * 60 * 60)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_timeout(text: &str) -> Option<Duration> {
        requested(&HeaderMap::from_iter([(GRPC_TIMEOUT.parse().unwrap(), text.parse().unwrap())]))
    }

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(parse_timeout("2M"), Some(Duration::from_secs(120)));
        assert_eq!(parse_timeout("00000003S"), Some(Duration::from_secs(3)));
        assert_eq!(parse_timeout("4m"), Some(Duration::from_millis(4)));
        assert_eq!(parse_timeout("5u"), Some(Duration::from_micros(5)));
        assert_eq!(parse_timeout("6n"), Some(Duration::from_nanos(6)));
        assert_eq!(parse_timeout("0S"), Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_says_nothing() {
        for junk in [
            "",
            "S",
            "5",
            "-1S",
            "+1S",
            "1.5S",
            "1 S",
            "1s",
            "1h",
            "1Sx",
            "123456789n",
            "\u{e9}S",
            "1\u{e9}",
        ] {
            assert_eq!(parse_timeout(junk), None, "{junk}");
        }
        assert_eq!(requested(&HeaderMap::new()), None);
    }
}
