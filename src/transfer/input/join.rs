//! A file of users joined with a file of accounts by the user's id, in memory that does not grow
//! with the files.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    io,
    sync::Arc,
};

use super::{
    Csv, Fault, Input, InputError, Place, Record, Shape,
    columns::{ColumnMap, Columns},
    csv::CsvRow,
    partitions::{PARTS, Partitions, Stored},
};

const CSV: Shape = Shape { list: "", marks: &[], csv: Csv::Always, not_json: "" };

/// A user's row with the rows of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedRow {
    /// What the columns mean.
    pub columns: Arc<Columns>,
    /// The row of the user; `None` if the file of users has no user of the accounts' id.
    pub user: Option<CsvRow>,
    /// The rows of its accounts, in the order of their file, each with its line there.
    pub accounts: Vec<(u64, CsvRow)>,
}

/// Both files, divided by the user's id into parts that fit into memory.
pub struct Joined {
    columns: Arc<Columns>,
    users: Divided,
    accounts: Divided,
}

/// One of the files.
struct Divided {
    parts: Partitions,
    /// The names of the columns of each file.
    names: HashMap<usize, Arc<[String]>>,
}

impl Joined {
    /// Reads both files to their end, into unlinked temporary files.
    ///
    /// # Errors
    /// If a file cannot be read, or lacks a column of its map. If a row of accounts has more or
    /// fewer fields than its header: its user would come without that account.
    pub fn read(
        users: &Input,
        accounts: Option<&Input>,
        columns: Columns,
    ) -> Result<Self, InputError> {
        let read_users = Divided::read(users, &columns.users, "id", false)?;
        let read_accounts = match (accounts, &columns.accounts) {
            (Some(input), Some(map)) => Divided::read(input, map, "user_id", true)?,
            _ => Divided::empty()?,
        };
        Ok(Self { columns: Arc::new(columns), users: read_users, accounts: read_accounts })
    }

    /// All users with their accounts, and the accounts without a user, each at its place: that of
    /// the user in the file of users, or that of the account in the file of accounts. The order is
    /// the same in each run, and is not that of the file.
    ///
    /// Two users with one id have the same accounts, so that neither is taken for the only one.
    pub fn records(&self) -> impl Iterator<Item = Result<(Place, Record), InputError>> {
        (0..PARTS).flat_map(|part| match self.part(part) {
            Ok(records) => records.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(temporary(error))],
        })
    }

    fn part(&self, part: usize) -> io::Result<Vec<(Place, Record)>> {
        let key = |map: &ColumnMap, field, row: &CsvRow| {
            map.column(field).map(|column| row.value(column)).unwrap_or_default().to_owned()
        };
        let mut of_users: HashMap<String, Vec<(Place, CsvRow)>> = HashMap::new();
        let mut records = Vec::new();
        for stored in self.accounts.parts.rows(part) {
            let (place, row) = self.accounts.row(stored?);
            let id = self.columns.accounts.as_ref().map(|map| key(map, "user_id", &row));
            of_users.entry(id.unwrap_or_default()).or_default().push((place, row));
        }
        let mut found = HashSet::new();
        for stored in self.users.parts.rows(part) {
            let (place, user) = self.users.row(stored?);
            let id = key(&self.columns.users, "id", &user);
            let accounts = of_users.get(&id).filter(|_| !id.is_empty() && user.is_whole());
            let lines = accounts.into_iter().flatten();
            let accounts = lines.map(|(place, row)| (place.line, row.clone())).collect();
            if user.is_whole() && !id.is_empty() {
                found.insert(id);
            }
            records.push((place, self.record(Some(user), accounts)));
        }
        let without_user = of_users.into_iter().filter(|(id, _)| !found.contains(id));
        let mut without_user: Vec<_> = without_user.flat_map(|(_, rows)| rows).collect();
        without_user.sort_by_key(|(place, _)| *place);
        for (place, row) in without_user {
            records.push((place, self.record(None, vec![(place.line, row)])));
        }
        Ok(records)
    }

    fn record(&self, user: Option<CsvRow>, accounts: Vec<(u64, CsvRow)>) -> Record {
        Record::Joined(JoinedRow { columns: Arc::clone(&self.columns), user, accounts })
    }
}

impl Divided {
    fn empty() -> Result<Self, InputError> {
        let parts = Partitions::new().map_err(temporary)?;
        Ok(Self { parts, names: HashMap::new() })
    }

    /// Divides a file by this field.
    fn read(
        input: &Input,
        map: &ColumnMap,
        field: &str,
        has_to_be_whole: bool,
    ) -> Result<Self, InputError> {
        let mut divided = Self::empty()?;
        let mut records = input.records(CSV);
        while let Some(record) = records.next().transpose()? {
            let (place, Record::Csv(row)) = record else { continue };
            let fault = |fault| InputError::new(&input.show(place), 0, fault);
            if let Entry::Vacant(names) = divided.names.entry(place.file) {
                if let Some(column) = map.missing(row.names()) {
                    return Err(fault(Fault::ColumnMissing(column.to_owned())));
                }
                names.insert(Arc::clone(row.names()));
            }
            if has_to_be_whole && !row.is_whole() {
                return Err(fault(Fault::AccountFields));
            }
            let key = map.column(field).map(|column| row.value(column)).unwrap_or_default();
            let part = Partitions::part_of(key);
            let stored = Stored { file: place.file, line: place.line, fields: row.into_fields() };
            divided.parts.push(part, &stored).map_err(temporary)?;
        }
        Ok(divided)
    }

    fn row(&self, stored: Stored) -> (Place, CsvRow) {
        let Stored { file, line, fields } = stored;
        let names = self.names.get(&file).map_or_else(|| Arc::from([]), Arc::clone);
        (Place { file, line, before: 0 }, CsvRow::new(names, fields))
    }
}

fn temporary(error: io::Error) -> InputError {
    InputError::new("temporary file", 0, Fault::Temporary(error))
}

#[cfg(test)]
mod tests {
    use super::{super::csv::Fields, *};

    #[test]
    fn a_row_in_a_part_is_the_row_that_was_pushed() {
        let mut parts = Partitions::new().unwrap();
        let row = |line: u64| {
            let mut fields = Fields::default();
            ["a".repeat(3_000).as_str(), "", "é\n"].iter().for_each(|field| fields.push(field));
            Stored { file: 3, line, fields }
        };
        (0..10).for_each(|line| parts.push(7, &row(line)).unwrap());
        let rows: Vec<Stored> = parts.rows(7).map(Result::unwrap).collect();
        assert_eq!(rows, (0..10).map(row).collect::<Vec<_>>());
        assert_eq!(parts.rows(8).count(), 0);
    }
}
