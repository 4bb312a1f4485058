//! The form of the log, and the filter of what is logged.

use tracing_subscriber::EnvFilter;

use super::problem::did_you_mean;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A JSON object in each line.
    Json,
    /// A line for people.
    Text,
}

/// A single word that is not a level would name a target, and silence everything else.
pub(super) fn check_filter(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_clear = |directive: &str| {
        directive.contains(['=', '['])
            || LEVELS.contains(&directive.trim().to_ascii_lowercase().as_str())
    };
    match EnvFilter::try_new(text) {
        Ok(_) if text.split(',').all(is_clear) => Ok(()),
        Ok(_) => Err(format!(
            "must be a level ({}), or target=level{}",
            LEVELS.join(", "),
            did_you_mean(text, LEVELS)
        )),
        Err(error) => Err(format!("is not a filter: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::check_filter;

    #[test]
    fn a_log_filter_that_would_silence_everything_is_refused() {
        for good in ["info", "WARN", "info,identity_link::grpc::status=debug", "off"] {
            assert_eq!(check_filter(good), Ok(()), "{good}");
        }
        for bad in ["", "loud", "info,loud", "info,a=loud"] {
            assert!(check_filter(bad).is_err(), "{bad}");
        }
    }
}
