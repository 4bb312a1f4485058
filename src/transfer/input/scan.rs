//! Passes over the values of JSON, and keeps the bytes of the present record.

use std::mem;

use super::{Fault, InputError, MAX_RECORD, text::Text};

/// The deepest nesting of a value that is passed over without being kept, in levels.
const MAX_DEPTH: usize = 1024 * 1024;

/// A record as it is split off: the line on which it begins, and its exact text.
pub(super) type Split = (u64, String);

/// How a scan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// Behind the value.
    Whole,
    /// Where the value cannot be JSON any more.
    Broken,
}

/// The bytes of a record up to [`MAX_RECORD`].
#[derive(Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    pub(super) is_dropped: bool,
    pub(super) start: u64,
    line: u64,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        if self.is_dropped {
            return;
        }
        if self.bytes.len() + bytes.len() > MAX_RECORD {
            self.is_dropped = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The text at the present position.
pub(super) struct Scanner {
    pub(super) text: Text,
    pub(super) kept: Kept,
    /// Whether the present value is in no other, so that a line of NDJSON may end it.
    pub(super) is_outermost: bool,
}

impl Scanner {
    pub(super) fn new(text: Text) -> Self {
        Self { text, kept: Kept::default(), is_outermost: true }
    }

    /// Begins a record at the present position.
    pub(super) fn begin(&mut self) {
        self.kept = Kept { start: self.text.offset(), line: self.text.line(), ..Kept::default() };
    }

    /// The name of a member and the colon behind it; `None` if there is none.
    pub(super) fn name(&mut self) -> Result<Option<String>, InputError> {
        self.pass_space()?;
        if self.text.peek()? != Some(b'"') {
            return Ok(None);
        }
        // The name is kept apart, so that it is known in an object that is too long to keep.
        let before = mem::take(&mut self.kept);
        let scan = self.string()?;
        let Kept { bytes: name, is_dropped, .. } = mem::replace(&mut self.kept, before);
        self.kept.push(&name);
        self.kept.is_dropped |= is_dropped;
        self.pass_space()?;
        if scan == Scan::Broken || self.text.peek()? != Some(b':') {
            return Ok(None);
        }
        self.step()?;
        self.pass_space()?;
        Ok(serde_json::from_slice(&name).ok())
    }

    /// Passes over a value.
    pub(super) fn value(&mut self) -> Result<Scan, InputError> {
        match self.text.peek()? {
            Some(b'{' | b'[') => self.nested(Vec::new()),
            Some(b'"') => self.string(),
            Some(_) => {
                let ends = |byte| is_space(byte) || matches!(byte, b',' | b'}' | b']');
                self.take_until(ends)?;
                Ok(Scan::Whole)
            }
            None => Err(self.text.fault(Fault::JsonEnds)),
        }
    }

    /// Passes over brackets and what is in them, until none of these is open any more.
    pub(super) fn nested(&mut self, mut open: Vec<u8>) -> Result<Scan, InputError> {
        let mut last = b'{';
        loop {
            let stops = |byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b'"');
            match self.take_until_seen(stops, &mut last)? {
                Some(b'"') => {
                    if self.string()? == Scan::Broken {
                        return Ok(Scan::Broken);
                    }
                    last = b'"';
                    continue;
                }
                // A line that begins with an object where no value can be: the object of the line
                // before is not closed.
                Some(b'{')
                    if self.text.is_line_start()
                        && self.is_outermost
                        && !matches!(last, b'[' | b',' | b':') =>
                {
                    return Ok(Scan::Broken);
                }
                Some(b'{') => open.push(b'}'),
                Some(b'[') => open.push(b']'),
                Some(byte) if open.pop() != Some(byte) => return Ok(Scan::Broken),
                Some(_) => {}
                None => return Err(self.text.fault(Fault::JsonEnds)),
            }
            last = self.text.peek()?.unwrap_or(last);
            self.step()?;
            if open.is_empty() {
                return Ok(Scan::Whole);
            }
            if open.len() > MAX_DEPTH {
                return Err(self.text.fault(Fault::Json("it is nested too deep")));
            }
        }
    }

    /// Passes over a string. No string has a line break in it.
    fn string(&mut self) -> Result<Scan, InputError> {
        self.step()?;
        loop {
            let stop = self.take_until(|byte| matches!(byte, b'"' | b'\\' | b'\n'))?;
            match stop {
                Some(b'"') => return self.step().map(|()| Scan::Whole),
                Some(b'\\') => {
                    self.step()?;
                    if self.text.peek()?.is_some_and(|byte| byte != b'\n') {
                        self.step()?;
                    }
                }
                Some(_) => return Ok(Scan::Broken),
                None => return Err(self.text.fault(Fault::JsonEnds)),
            }
        }
    }

    /// Passes over white space.
    pub(super) fn pass_space(&mut self) -> Result<(), InputError> {
        self.take_until(|byte| !is_space(byte)).map(drop)
    }

    /// Keeps and passes one byte.
    pub(super) fn step(&mut self) -> Result<(), InputError> {
        if let Some(byte) = self.text.peek()? {
            self.kept.push(&[byte]);
            self.text.consume(1);
        }
        Ok(())
    }

    /// Keeps and passes all bytes up to one that stops, which it returns; `None` at the end.
    pub(super) fn take_until(
        &mut self,
        stops: impl Fn(u8) -> bool,
    ) -> Result<Option<u8>, InputError> {
        self.take_until_seen(stops, &mut 0)
    }

    /// The same; `last` becomes the last passed byte that is no space.
    fn take_until_seen(
        &mut self,
        stops: impl Fn(u8) -> bool,
        last: &mut u8,
    ) -> Result<Option<u8>, InputError> {
        loop {
            let chunk = self.text.chunk()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let stop = chunk.iter().position(|byte| stops(*byte));
            let (passed, rest) = chunk.split_at(stop.unwrap_or(chunk.len()));
            let (count, stop) = (passed.len(), rest.first().copied());
            if let Some(byte) = passed.iter().rfind(|byte| !is_space(**byte)) {
                *last = *byte;
            }
            self.kept.push(passed);
            self.text.consume(count);
            if stop.is_some() {
                return Ok(stop);
            }
        }
    }

    /// The bytes since the record began.
    pub(super) fn record(&mut self) -> Result<Option<Split>, InputError> {
        let kept = mem::take(&mut self.kept);
        if kept.is_dropped {
            return Err(self.text.fault_at(kept.start, Fault::TooLong));
        }
        match String::from_utf8(kept.bytes) {
            Ok(text) => Ok(Some((kept.line, text))),
            Err(error) => {
                let valid = u64::try_from(error.utf8_error().valid_up_to()).unwrap_or(u64::MAX);
                Err(self.text.fault_at(kept.start + valid, Fault::Utf8))
            }
        }
    }
}
