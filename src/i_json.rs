//! Finds what two readers of one JSON text may understand differently (I-JSON, RFC 7493). One case
//! is a name that comes twice in an object: some readers take the first value and some the last.
//! The other is a number that is no double: most readers take another number for it.

use std::collections::HashSet;

use crate::domain::{
    Violation,
    metadata::{printable_path, push_token},
};

/// The nesting depth that the parser after this check accepts.
const MAX_DEPTH: usize = 128;
/// The most violations in one refusal. A client sees the others after it has corrected these.
const MAX_VIOLATIONS: usize = 32;

const TWICE: &str = "This name occurs twice in its object: send it once.";
const INEXACT: &str = "This number is not exactly a double, so readers would take it for another one: send one that is, or a string.";

/// Which numbers a check accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Those that are exactly a double.
    Exact,
    /// All: the reader keeps the digits as they are written, or does not read the number.
    Any,
}

/// All violations in a text, each with its path: an RFC 6901 pointer from the first name on. `None`
/// if the text is not JSON as far as the check sees, or nests too deep for the parser.
#[must_use]
pub fn violations(json: &str, numbers: Numbers) -> Option<Vec<Violation>> {
    violations_at("", json, numbers)
}

/// The same for a text that is the value at this path, which each violation begins with.
#[must_use]
pub fn violations_at(path: &str, json: &str, numbers: Numbers) -> Option<Vec<Violation>> {
    let mut scanner =
        Scanner { rest: json, numbers, path: path.to_owned(), violations: Vec::new() };
    scanner.value(1)?;
    Some(scanner.violations)
}

/// One walk over the text.
struct Scanner<'a> {
    rest: &'a str,
    numbers: Numbers,
    /// The path of the current value.
    path: String,
    violations: Vec<Violation>,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        self.pass_space();
        match self.rest.bytes().next()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => {
                let number = self
                    .take_while(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
                if self.numbers == Numbers::Exact && !is_exact_double(number) {
                    self.report(INEXACT);
                }
                Some(())
            }
            // true, false, null.
            _ => (!self.take_while(|c| c.is_ascii_alphabetic()).is_empty()).then_some(()),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.pass("{").filter(|()| depth <= MAX_DEPTH)?;
        if self.pass("}").is_some() {
            return Some(());
        }
        let mut names = HashSet::new();
        loop {
            self.pass_space();
            // The decoded name: one name may be escaped in several ways.
            let name: String = serde_json::from_str(self.string()?).ok()?;
            self.pass(":")?;
            self.below(&name, |scanner| {
                if names.contains(&name) {
                    scanner.report(TWICE);
                }
                scanner.value(depth + 1)
            })?;
            names.insert(name);
            if self.pass(",").is_none() {
                return self.pass("}");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.pass("[").filter(|()| depth <= MAX_DEPTH)?;
        if self.pass("]").is_some() {
            return Some(());
        }
        for index in 0_usize.. {
            self.below(&index.to_string(), |scanner| scanner.value(depth + 1))?;
            if self.pass(",").is_none() {
                break;
            }
        }
        self.pass("]")
    }

    /// A string as written, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('"')?;
        let mut is_escaped = false;
        let end = inside.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        })?;
        let (string, rest) = self.rest.split_at_checked(end + 2)?;
        self.rest = rest;
        Some(string)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn pass_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Skips this token, if it is next, with the space around it.
    fn pass(&mut self, text: &str) -> Option<()> {
        self.pass_space();
        self.rest = self.rest.strip_prefix(text)?;
        self.pass_space();
        Some(())
    }

    fn below<T>(&mut self, token: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let parent = self.path.len();
        push_token(&mut self.path, token);
        let visited = visit(self);
        self.path.truncate(parent);
        visited
    }

    fn report(&mut self, description: &str) {
        let violation = Violation::new(
            printable_path(self.path.strip_prefix('/').unwrap_or(&self.path)),
            description,
        );
        if self.violations.len() < MAX_VIOLATIONS && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }
}

/// Whether the double as which this number is read has, in its shortest decimal form, the value
/// that is written.
///
/// A double in the middle between two decimals of that length has two such forms. Rust writes the
/// larger one; ECMAScript, Python and serde_json write the even one, which Rust writes if the
/// number of digits is given.
fn is_exact_double(written: &str) -> bool {
    let Ok(read) = written.parse::<f64>() else { return false };
    let value = Decimal::parse(written);
    let shortest = Decimal::parse(&format!("{read:e}"));
    let behind_the_point = shortest.digits.len().saturating_sub(1);
    value == shortest || value == Decimal::parse(&format!("{read:.behind_the_point$e}"))
}

/// A decimal number in its one form, so that `==` compares by value: there is no zero at either end
/// of its digits, and zero has none and no sign.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    /// The power of ten of the last digit.
    exponent: i64,
}

impl Decimal {
    fn parse(written: &str) -> Self {
        let unsigned = written.strip_prefix('-');
        let is_negative = unsigned.is_some();
        let unsigned = unsigned.unwrap_or(written);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_end_matches('0');
        let behind =
            to_exponent(all.len() - digits.len()).saturating_sub(to_exponent(fraction.len()));
        let digits = digits.trim_start_matches('0').to_owned();
        match digits.is_empty() {
            true => Self { is_negative: false, digits, exponent: 0 },
            false => {
                Self { is_negative, digits, exponent: exponent_of(exponent).saturating_add(behind) }
            }
        }
    }
}

fn to_exponent(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An exponent. One that is too large for any accepted number saturates.
fn exponent_of(written: &str) -> i64 {
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, written.strip_prefix('+').unwrap_or(written)),
    };
    sign * digits.parse::<i64>().unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, proptest};
    use serde_json::Value;

    use super::*;

    fn wrong(json: &str) -> Vec<String> {
        let violations = violations(json, Numbers::Exact).unwrap();
        violations
            .into_iter()
            .map(|Violation { field, description }| format!("{field}: {description}"))
            .collect()
    }

    #[test]
    fn each_path_is_reported_once() {
        let json = r#" {"a": {"b/c": 1, "x": [{}, {"~": 1, "~": 2, "\u007e": 3}], "b\/c": 1}, "n": [1, 0.10, 9007199254740993],
            "tex\"t": "{\"a\":1,\"a\":1e400}", "a" : [ ] } "#;
        assert_eq!(
            wrong(json),
            [
                format!("a/x/1/~0: {TWICE}"),
                format!("a/b~1c: {TWICE}"),
                format!("n/2: {INEXACT}"),
                format!("a: {TWICE}"),
            ]
        );
        assert_eq!(wrong("1e400"), [format!(": {INEXACT}")]);
    }

    #[test]
    fn any_number_is_accepted_where_its_digits_are_kept() {
        let json = r#"{"id": 12345678901234567890123, "id": 1e400}"#;
        let violations = violations_at("users/3", json, Numbers::Any).unwrap();
        assert_eq!(violations, [Violation::new("users/3/id", TWICE)]);
    }

    #[test]
    fn of_many_paths_only_the_first_are_reported() {
        let crowd = format!("[{}]", vec!["1e400"; 100].join(","));
        assert_eq!(wrong(&crowd).len(), MAX_VIOLATIONS);
    }

    #[test]
    fn a_number_counts_by_its_value() {
        let good = [
            "0",
            "-0",
            "0.0",
            "0e400",
            "-0e-400",
            "1",
            "1.0",
            "1e2",
            "1E+2",
            "100",
            "0.10",
            "0.1",
            "1e-2",
            "1e02",
            "9007199254740992",
            "9007199254740994",
            "1e22",
            "1e23",
            "1.7976931348623157e308",
            "5e-324",
            "0.30000000000000004",
            "123456789012345680000",
            // 1882993072630311.25, as Rust and as other languages write it.
            "1882993072630311.3",
            "1882993072630311.2",
            "1e0000000000000000000000000000002",
        ];
        for number in good {
            assert!(is_exact_double(number), "{number}");
        }
        let (long, tiny) = (format!("1{}1", "0".repeat(400)), format!("0.{}1", "0".repeat(400)));
        let bad = [
            "9007199254740993",
            "1882993072630311.4",
            "1882993072630311.25",
            "0.1000000000000000055",
            "0.1000000000000000055511151231257827",
            "1e400",
            "-1e400",
            "1e-400",
            "2e-324",
            "123456789012345678901",
            "1.00000000000000000001",
            "3.14159265358979323846",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            &long,
            &tiny,
        ];
        for number in bad {
            assert!(!is_exact_double(number), "{number}");
        }
    }

    #[test]
    fn what_is_not_json_or_too_deep_is_not_judged() {
        for text in
            ["", " ", "{", "[1", "{\"a\"}", "{\"a\":}", "{a:1}", "\"", "{\"\\ud800\":1}", "[1,]"]
        {
            assert_eq!(violations(text, Numbers::Exact), None, "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(violations(&nested(MAX_DEPTH), Numbers::Exact), Some(Vec::new()));
        assert_eq!(violations(&nested(MAX_DEPTH + 1), Numbers::Exact), None);
    }

    proptest! {
        #[test]
        fn each_spelling_of_a_double_is_exact(
            bits in any::<u64>(), shift in -40_i32..40, zeros in 0_usize..5
        ) {
            let double = f64::from_bits(bits);
            if !double.is_finite() {
                return Ok(());
            }
            let scientific = format!("{double:e}");
            let (mantissa, exponent) = scientific.split_once('e').unwrap();
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let padded = format!("{whole}.{fraction}{}e{exponent}", "0".repeat(zeros + 1));
            let moved = format!("{whole}{fraction}{}E{}", "0".repeat(zeros),
                exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len() + zeros).unwrap());
            let plain = format!("{double}");
            for written in [scientific.clone(), padded, moved, plain] {
                prop_assert!(is_exact_double(&written), "{}", written);
            }
            // The same digits elsewhere are the number of another double, or of none.
            let elsewhere = format!("{mantissa}e{}", exponent.parse::<i32>().unwrap() + shift);
            let read: f64 = elsewhere.parse().unwrap();
            let (again, even) = (format!("{read:e}"), format!("{read:.*e}", fraction.len()));
            prop_assert!(!is_exact_double(&elsewhere) || [again, even].contains(&elsewhere) || read == 0.0);
        }

        #[test]
        fn a_number_with_more_digits_than_a_double_is_not_exact(digits in "[1-9][0-9]{17,60}[1-9]", exponent in -400_i32..400) {
            let written = format!("{digits}e{exponent}");
            prop_assert!(!is_exact_double(&written));
        }

        #[test]
        fn json_from_serde_has_no_violation_and_no_text_panics(
            numbers in prop::collection::vec(any::<f64>(), 0..5), name in any::<String>(), text in any::<String>()
        ) {
            let numbers: Vec<Value> = numbers.into_iter().map(Value::from).collect();
            let json = Value::Object([(name, Value::from(text.clone())), ("n".to_owned(), numbers.into())].into_iter().collect());
            prop_assert!(violations(&json.to_string(), Numbers::Exact).unwrap().is_empty());
            let _ = violations(&text, Numbers::Any);
        }
    }
}
