//! Messages as JSON by prost-reflect, which knows all of protobuf's mapping.

use std::io;

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::Serialize as _;
use serde_json::{
    Serializer,
    ser::{CompactFormatter, Formatter},
};

/// The integers up to this one are all doubles: 2⁵³.
const MAX_SAFE: f64 = 9_007_199_254_740_992.0;

/// Appends the JSON of a message. `None` if it is not one of this descriptor.
pub(super) fn append(
    json: &mut Vec<u8>,
    descriptor: &MessageDescriptor,
    message: &[u8],
) -> Option<()> {
    let message = DynamicMessage::decode(descriptor.clone(), message).ok()?;
    message.serialize(&mut Serializer::with_formatter(json, ShortNumbers)).ok()
}

/// Writes doubles that are integers without a fraction, as protobuf's own libraries do.
pub(super) struct ShortNumbers;

impl Formatter for ShortNumbers {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() <= MAX_SAFE {
            write!(writer, "{value:.0}")
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_no_fraction() {
        let written = |value: f64| {
            let mut json = Vec::new();
            let mut serializer = Serializer::with_formatter(&mut json, ShortNumbers);
            value.serialize(&mut serializer).unwrap();
            String::from_utf8(json).unwrap()
        };
        for (value, text) in [
            (7.0, "7"),
            (-7.0, "-7"),
            (0.5, "0.5"),
            (MAX_SAFE, "9007199254740992"),
            (1e300, "1e+300"),
            (-0.0, "-0"),
        ] {
            assert_eq!(written(value), text);
        }
    }
}
