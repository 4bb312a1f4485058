//! Files of users: whatever they hold, reading ends, a file has the same records however its bytes
//! arrive (of damaged gzip, the same up to some place before the damage), and what is read as a user is read again from its neutral row.
#![no_main]

use std::io::{self, Cursor, Read};

use chrono::{DateTime, Utc};
use identity_link::transfer::{
    input::{Input, Record, Shape},
    sources::{Format, Reading},
};
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 6] = [
    Format::Neutral,
    Format::Auth0,
    Format::Firebase,
    Format::Supabase,
    Format::Keycloak,
    Format::Cognito,
];

/// A stream that returns one byte at a time.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match buffer.first_mut() {
            Some(first) => self.0.read(std::slice::from_mut(first)),
            None => Ok(0),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, file)) = bytes.split_first() else { return };
    let format = FORMATS[usize::from(*which) % FORMATS.len()];
    let records = read(Box::new(Cursor::new(file.to_vec())), format.shape());
    let slowly = read(Box::new(Slow(Cursor::new(file.to_vec()))), format.shape());
    if is_damaged(&records) || is_damaged(&slowly) {
        // Malformed text in front of the damage may be found first.
        assert!(records.1.is_some() && slowly.1.is_some(), "{records:?} {slowly:?}");
        // How much of what is before the damage is decompressed depends on how the bytes arrive.
        assert!(records.0.iter().zip(&slowly.0).all(|(one, other)| one == other));
    } else {
        assert_eq!(records, slowly);
    }
    for record in &records.0 {
        let reading = format.read(record, DateTime::<Utc>::UNIX_EPOCH);
        let Ok(Reading::User(found)) = reading else { continue };
        let json = serde_json::to_string(&found.row).expect("JSON");
        // A claim of the root is deeper in a neutral row, perhaps too deep for the parser.
        if json.matches(['[', '{']).count() > 100 {
            continue;
        }
        match Format::Neutral.read(&Record::Json(json), DateTime::<Utc>::UNIX_EPOCH) {
            Ok(Reading::User(again)) => assert_eq!(again.row, found.row),
            other => panic!("{other:?}"),
        }
    }
});

/// The records of a stream, and the error at its end.
type Records = (Vec<Record>, Option<String>);

/// Whether the stream is compressed, and damaged.
fn is_damaged((_, error): &Records) -> bool {
    error.as_ref().is_some_and(|error| error.contains("the gzip data is damaged"))
}

fn read(stream: Box<dyn Read + Send>, shape: Shape) -> Records {
    let input = Input::open_with(&["-".into()], stream).expect("a temporary file");
    let mut records = Vec::new();
    for record in input.records(shape) {
        match record {
            Ok((_, record)) => records.push(record),
            Err(error) => return (records, Some(error.to_string())),
        }
    }
    (records, None)
}
