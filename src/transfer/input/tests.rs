//! How files are split into records: their forms, their places, and where they are broken.

use std::{
    fs,
    io::{Cursor, Read, Write as _},
};

use flate2::{Compression, write::GzEncoder};
use proptest::{collection::vec, prelude::*};

use super::*;

const SHAPE: Shape =
    Shape { list: "users", marks: &["realm"], csv: Csv::Also, not_json: "no JSON" };

/// A stream that returns as many bytes at a time as the list says, over and over.
struct Chunks(Cursor<Vec<u8>>, Vec<usize>, usize);

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.1[self.2 % self.1.len()].min(buffer.len());
        self.2 += 1;
        self.0.read(&mut buffer[..size])
    }
}

fn input(bytes: &[u8]) -> Input {
    Input::open_with(&["-".into()], Box::new(Cursor::new(bytes.to_vec()))).unwrap()
}

/// Each record with its line, and the error at the end.
fn shown(records: Records<'_>) -> Vec<String> {
    records
        .map(|record| match record {
            Ok((place, Record::Json(text))) => format!("{} {text}", place.line),
            Ok((place, Record::Csv(row))) => {
                let columns = row.columns().map(|columns| {
                    columns
                        .map(|(name, field)| format!("{name}={field}"))
                        .collect::<Vec<_>>()
                        .join(";")
                });
                format!("{} {}", place.line, columns.unwrap_or_else(|wrong| wrong.description))
            }
            Ok((_, Record::Joined(_) | Record::Broken(_))) => unreachable!(),
            Err(error) => format!("{error}"),
        })
        .collect()
}

fn split(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let input = input(bytes.as_ref());
    let first = shown(input.records(SHAPE));
    assert_eq!(shown(input.records(SHAPE)), first);
    first
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn each_form_of_a_file_has_the_same_records() {
    let records = ["1 {\"a\":1}", "2 {\"b\":[{\"users\":[]}, \"}\\\"\"]}"];
    for file in [
        "{\"a\":1}\n{\"b\":[{\"users\":[]}, \"}\\\"\"]}\n",
        "{\"a\":1}\r\n{\"b\":[{\"users\":[]}, \"}\\\"\"]}",
        "\u{feff}{\"a\":1}\n\n\n{\"b\":[{\"users\":[]}, \"}\\\"\"]}",
        "[{\"a\":1},\n{\"b\":[{\"users\":[]}, \"}\\\"\"]}]\n",
        "{\"users\":[{\"a\":1},\n{\"b\":[{\"users\":[]}, \"}\\\"\"]}]}",
        "{ \"x\" : {\"users\":[1]}, \"realm\":\"r\", \"\\u0075sers\" : [ {\"a\":1} ,\n {\"b\":[{\"users\":[]}, \"}\\\"\"]} ] , \"y\":[2], \"z\":\"users\"}",
        "[{\"users\":[{\"a\":1}]},\n{\"users\":[{\"b\":[{\"users\":[]}, \"}\\\"\"]}]}, {\"realm\":1}]",
    ] {
        let bare: Vec<String> = split(file).iter().map(|line| line.replace("4 ", "2 ")).collect();
        assert_eq!(bare, records, "{file}");
        assert_eq!(split(gzipped(file.as_bytes())), split(file), "{file}");
        let (first, second) = file.as_bytes().split_at(file.len() / 2);
        let members = [gzipped(first), gzipped(second)].concat();
        assert_eq!(split(members), split(file), "{file}");
    }
    assert_eq!(split(""), [""; 0]);
    assert_eq!(split("[]\n{\"users\":[]}[]"), [""; 0]);
}

#[test]
fn csv_has_its_own_lines() {
    let file = "\u{feff}id,name\r\n1,\"a\nb\"\r\n2\r\n\r\n3,\"q\"\"q\"\r\n";
    assert_eq!(
        split(file),
        [
            "2 id=1;name=a\nb",
            "4 This row has 1 fields, and the header has 2: quote fields with commas, quotes and line breaks.",
            "6 id=3;name=q\"q",
        ]
    );
    assert_eq!(split("id,name\n"), [""; 0]);
}

#[test]
fn a_broken_line_of_ndjson_is_one_record() {
    let lines = [
        "{\"a\":1}",
        "{\"a\":\"x}",
        "{\"a\":[1}]",
        "{\"a\":{\"b\":1}",
        "{\"a\":2,}",
        "{a:3}",
        "(5 rows)",
        "{\"a\":4}",
    ];
    let numbered: Vec<String> =
        lines.iter().enumerate().map(|(index, line)| format!("{} {line}", index + 1)).collect();
    let found: Vec<String> =
        split(lines.join("\n")).iter().map(|record| record.trim_end().to_owned()).collect();
    assert_eq!(found, numbered);
}

#[test]
fn a_broken_file_says_where_and_why_after_the_records_before() {
    let long = format!("{{\"a\":1}}\n{{\"b\":\"{}\"}}", "x".repeat(MAX_RECORD));
    let cut = gzipped("{\"a\":1}\n{\"b\":2}\n".repeat(5_000).as_bytes());
    let damaged = {
        let mut bytes = gzipped(b"{\"a\":1}\n");
        let end = bytes.len() - 6;
        bytes[end] ^= 1;
        bytes
    };
    for (file, records, error) in [
        (b"{\"a\":1}\n{\"b\":".to_vec(), 1, "byte 13: the JSON ends in the middle of a value"),
        (b"[{\"a\":1},{\"b\":2}".to_vec(), 2, "byte 16: the JSON ends in the middle"),
        (b"[{\"a\":1} {\"b\":2}]".to_vec(), 1, "byte 9: the JSON is broken: a comma is missing"),
        (b"[{\"a\":1},{\"b\":[}]}]".to_vec(), 1, "byte 15: the JSON is broken: a value ends"),
        (b"{\"users\":[{\"a\":1}],5}".to_vec(), 1, "byte 19: the JSON is broken"),
        (b"{\"a\":1}\n{\"b\":\"\xff\"}".to_vec(), 1, "byte 14: this byte is not UTF-8"),
        (b"\xff\xfe{\0".to_vec(), 0, "byte 0: the file is UTF-16"),
        (long.into_bytes(), 1, "byte 8: a record begins here that is longer than 1 MiB"),
        (cut[..cut.len() - 9].to_vec(), 10_000, "the gzip data ends in the middle"),
        (damaged, 1, "byte 8: the gzip data is damaged"),
        (b"id,id\n1,2\n".to_vec(), 0, "the header names one column twice"),
        (b"id,b\n1,2\n3,\xff\n".to_vec(), 1, "byte 9: this byte is not UTF-8"),
        (b"id,b\n1,2\n3,4".to_vec(), 1, "byte 9: the CSV ends in the middle of a row"),
        (b"id,b\n1,2\n3,\"4\n".to_vec(), 1, "byte 9: the CSV ends in the middle of a row"),
        (
            format!("id,b\n1,2\n\"{}", "x\n".repeat(MAX_RECORD)).into_bytes(),
            1,
            "byte 9: a record begins here that is longer than 1 MiB",
        ),
    ] {
        let found = split(&file);
        assert!(found.len() <= records + 1, "{error}: {:?}", found.last());
        assert!(found.last().unwrap().contains(error), "{error}: {:?}", found.last());
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let input = input(b"\n id,name\n1,a\n");
    let json = Shape { csv: Csv::Never, ..SHAPE };
    assert_eq!(shown(input.records(json)), ["standard input, byte 2: no JSON."]);
    let csv = Shape { csv: Csv::Always, ..SHAPE };
    assert_eq!(shown(input.records(csv)), ["3  id=1;name=a"]);
}

#[test]
fn what_is_passed_over_may_be_long() {
    let file = format!(
        "{{\"clients\":[\"{}\"],\"realm\":\"r\",\"users\":[{{\"a\":1}}],\"x\":\"{0}\"}}",
        "x".repeat(3 * MAX_RECORD)
    );
    assert_eq!(split(file), ["1 {\"a\":1}"]);
}

#[test]
fn a_folder_is_its_files_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("c.d")).unwrap();
    for (name, text) in [("b.json", "\n{\"b\":1}"), ("a.json", "{\"a\":1}"), (".hidden", "x")] {
        fs::write(path(name), text).unwrap();
    }
    let input = Input::open(&[folder.path().to_owned(), path("a.json")]).unwrap();
    let places: Vec<String> = input
        .records(SHAPE)
        .map(|record| input.show(record.unwrap().0).rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(places, ["a.json:1", "b.json:2", "a.json:1"]);

    let failed = |arguments: &[PathBuf]| Input::open(arguments).err().unwrap().to_string();
    assert!(failed(&[path("none")]).contains("none: it cannot be opened"));
    assert!(failed(&[path("c.d")]).contains("the folder has no file"));
    assert!(failed(&["-".into(), "-".into()]).contains("standard input can be named once"));
}

const FILES: [&str; 4] = [
    "{\"a\":\"é\\\"}\"}\n{\"b\":[1,{\"c\":null}]}\n[{\"d\":1},{\"e\":2}]\n{\"users\":[{\"f\":1}],\"g\":1}\n",
    "[{\"a\":1},\n {\"b\":\"x\"}]",
    "id,name\n1,\"a\nb\"\n2,é\n",
    "{\n  \"realm\": \"r\",\n  \"users\": [\n    {\n      \"id\": 1\n    },\n    {}\n  ]\n}\n",
];

proptest! {
    #[test]
    fn the_sizes_of_what_a_stream_returns_do_not_matter(
        sizes in vec(1..40_usize, 1..6), is_gzip in any::<bool>()
    ) {
        for file in FILES {
            let bytes = if is_gzip { gzipped(file.as_bytes()) } else { file.as_bytes().to_vec() };
            let stream = Chunks(Cursor::new(bytes), sizes.clone(), 0);
            let input = Input::open_with(&["-".into()], Box::new(stream)).unwrap();
            prop_assert_eq!(shown(input.records(SHAPE)), split(file));
            prop_assert_eq!(shown(input.records(SHAPE)), split(file));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..60), text in "[\\[\\]{}\",:a\n ]{0,40}") {
        let _ = (split(bytes), split(text));
    }
}

#[test]
fn a_file_that_is_cut_has_the_same_records_before_the_cut() {
    for file in FILES {
        let whole = split(file);
        for cut in 0..file.len() {
            let mut found = split(&file.as_bytes()[..cut]);
            let last = found.pop().filter(|last| !last.starts_with("standard input"));
            found.extend(last);
            assert!(whole.starts_with(&found), "{:?} {found:?}", &file.as_bytes()[..cut]);
        }
    }
}
