//! Splits JSON into the texts of its records, one at a time, without parsing them.
//!
//! A file may hold one object after another (NDJSON, or printed over several lines), an array of
//! them, or an object that has them in a list. A record that is broken within its brackets is a
//! record: its source refuses it. In NDJSON a broken line ends with the line.

use std::mem;

use super::{
    Fault, InputError, Shape,
    scan::{Scan, Scanner, Split},
    text::Text,
};

/// The records of one text.
pub(super) struct JsonRecords {
    scanner: Scanner,
    shape: Shape,
    around: Vec<Around>,
    is_first: bool,
}

/// What the next record is in, from the outside to the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// The outermost array, before its first element.
    ArrayStart,
    /// The outermost array, behind an element.
    Array,
    /// An object that has the list of records, behind a member.
    Object,
    /// The list, before its first element.
    ListStart,
    /// The list, behind an element.
    List,
}

impl JsonRecords {
    pub(super) fn new(text: Text, shape: Shape) -> Self {
        Self { scanner: Scanner::new(text), shape, around: Vec::new(), is_first: true }
    }

    /// The next record; `None` behind the last one.
    ///
    /// # Errors
    /// If the text cannot be split further. No record follows then.
    pub(super) fn next(&mut self) -> Result<Option<Split>, InputError> {
        loop {
            self.scanner.pass_space()?;
            self.scanner.begin();
            self.scanner.is_outermost = self.around.is_empty();
            let next = self.scanner.text.peek()?;
            let step = match self.around.last().copied() {
                None => match next {
                    None => return Ok(None),
                    Some(_) => self.outermost()?,
                },
                Some(Around::Object) => self.member(next)?,
                Some(around) => self.element(around, next)?,
            };
            if let Some(record) = step {
                return Ok(Some(record));
            }
        }
    }

    /// A value that is in nothing.
    fn outermost(&mut self) -> Result<Option<Split>, InputError> {
        let is_first = mem::replace(&mut self.is_first, false);
        match self.scanner.text.peek()? {
            Some(b'[') => {
                self.scanner.step()?;
                self.around.push(Around::ArrayStart);
                Ok(None)
            }
            Some(b'{') => self.object(),
            _ if is_first => Err(self.scanner.text.fault(Fault::Kind(self.shape.not_json))),
            _ => self.broken_line(),
        }
    }

    /// What follows in an array or in the list.
    fn element(&mut self, around: Around, next: Option<u8>) -> Result<Option<Split>, InputError> {
        let is_start = matches!(around, Around::ArrayStart | Around::ListStart);
        match next {
            Some(b']') => {
                self.scanner.step()?;
                self.around.pop();
                return Ok(None);
            }
            Some(b',') if !is_start => {
                self.scanner.step()?;
                self.scanner.pass_space()?;
                self.scanner.begin();
            }
            None => return Err(self.scanner.text.fault(Fault::JsonEnds)),
            Some(_) if is_start => {}
            Some(_) => return Err(self.scanner.text.fault(Fault::Json("a comma is missing here"))),
        }
        let is_outer = matches!(around, Around::ArrayStart | Around::Array);
        if let Some(last) = self.around.last_mut() {
            *last = if is_outer { Around::Array } else { Around::List };
        }
        if is_outer && self.scanner.text.peek()? == Some(b'{') {
            return self.object();
        }
        match self.scanner.value()? {
            Scan::Whole => self.scanner.record(),
            Scan::Broken => Err(self.broken()),
        }
    }

    /// What follows in an object that has the list.
    fn member(&mut self, next: Option<u8>) -> Result<Option<Split>, InputError> {
        match next {
            Some(b'}') => {
                self.scanner.step()?;
                self.around.pop();
                return Ok(None);
            }
            Some(b',') => self.scanner.step()?,
            None => return Err(self.scanner.text.fault(Fault::JsonEnds)),
            Some(_) => return Err(self.scanner.text.fault(Fault::Json("a comma is missing here"))),
        }
        match self.scanner.name()? {
            None => Err(self.broken()),
            Some(name) if name == self.shape.list && self.scanner.text.peek()? == Some(b'[') => {
                self.scanner.step()?;
                self.around.push(Around::ListStart);
                Ok(None)
            }
            Some(_) => {
                self.scanner.kept.is_dropped = true;
                match self.scanner.value()? {
                    Scan::Whole => Ok(None),
                    Scan::Broken => Err(self.broken()),
                }
            }
        }
    }

    /// An object that is a record, or has the list of records.
    fn object(&mut self) -> Result<Option<Split>, InputError> {
        self.scanner.step()?;
        let mut is_around = false;
        loop {
            self.scanner.pass_space()?;
            if self.scanner.text.peek()? == Some(b'}') {
                self.scanner.step()?;
                return if is_around { Ok(None) } else { self.scanner.record() };
            }
            let Some(name) = self.scanner.name()? else { return self.rest_of_object() };
            if name == self.shape.list && self.scanner.text.peek()? == Some(b'[') {
                self.scanner.step()?;
                self.around.extend([Around::Object, Around::ListStart]);
                return Ok(None);
            }
            if self.shape.marks.contains(&name.as_str()) {
                is_around = true;
                self.scanner.kept.is_dropped = true;
            }
            if self.scanner.value()? == Scan::Broken {
                return self.broken_record();
            }
            self.scanner.pass_space()?;
            match self.scanner.text.peek()? {
                Some(b',') => self.scanner.step()?,
                Some(b'}') => {}
                _ => return self.rest_of_object(),
            }
        }
    }

    /// The rest of an object whose members have no clear ends: its source refuses it.
    fn rest_of_object(&mut self) -> Result<Option<Split>, InputError> {
        match self.scanner.nested(vec![b'}'])? {
            Scan::Whole => self.scanner.record(),
            Scan::Broken => self.broken_record(),
        }
    }

    fn broken_record(&mut self) -> Result<Option<Split>, InputError> {
        if self.around.is_empty() { self.broken_line() } else { Err(self.broken()) }
    }

    fn broken(&self) -> InputError {
        self.scanner.text.fault(Fault::Json("a value ends here before it is complete"))
    }

    /// The rest of the line, as the end of a record that its source refuses.
    fn broken_line(&mut self) -> Result<Option<Split>, InputError> {
        if self.scanner.kept.start == self.scanner.text.offset()
            || !self.scanner.text.is_line_start()
        {
            self.scanner.take_until(|byte| byte == b'\n')?;
        }
        self.scanner.record()
    }
}
