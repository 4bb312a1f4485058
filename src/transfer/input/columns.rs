//! Which columns of CSV files have which meaning.

use std::collections::BTreeMap;

/// The claims that a column can have, of a user's profile or of an account's.
pub const CLAIMS: [&str; 9] = [
    "name",
    "given_name",
    "family_name",
    "nickname",
    "preferred_username",
    "username",
    "picture",
    "locale",
    "phone_number",
];
/// The same for claims that are true or false.
pub const FLAG_CLAIMS: [&str; 2] = ["phone_verified", "phone_number_verified"];

const OF_USERS: [&str; 16] = [
    "id",
    "create_time",
    "update_time",
    "blocked",
    "blocked_until",
    "deleted",
    "anonymous",
    "tokens_valid_from",
    "user_metadata",
    "app_metadata",
    "email",
    "email_verified",
    "email_verify_time",
    "provider",
    "subject",
    "connection",
];
const OF_ACCOUNTS: [&str; 9] = [
    "user_id",
    "provider",
    "subject",
    "connection",
    "email",
    "email_verified",
    "email_verify_time",
    "attach_time",
    "profile_data",
];

/// Which field each column of a file is, by the field's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap(BTreeMap<String, String>);

/// The column maps of a file of users and a file of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Of the users. It names `id`.
    pub users: ColumnMap,
    /// Of the accounts; `None` if each row of a user has its one account. It names `user_id`,
    /// `provider` and `subject`.
    pub accounts: Option<ColumnMap>,
}

impl Columns {
    /// Reads pairs `field=column`.
    ///
    /// # Errors
    /// All that is wrong with them, one sentence each: a pair without `=`, an unknown field, a field
    /// or column twice, a field that is missing.
    pub fn parse(users: &[String], accounts: Option<&[String]>) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let known = [&OF_USERS[..], &CLAIMS, &FLAG_CLAIMS].concat();
        let mut required = vec!["id"];
        if accounts.is_none() {
            required.extend(["provider", "subject"]);
        }
        let users = ColumnMap::parse("users", users, &known, &required, &mut wrong);
        let accounts = accounts.map(|pairs| {
            let known = [&OF_ACCOUNTS[..], &CLAIMS, &FLAG_CLAIMS].concat();
            let required = ["user_id", "provider", "subject"];
            ColumnMap::parse("accounts", pairs, &known, &required, &mut wrong)
        });
        if accounts.is_some() {
            for field in ["provider", "subject", "connection"] {
                if users.0.contains_key(field) {
                    wrong.push(format!(
                        "`{field}` is a field of the accounts: the file of users has none of it."
                    ));
                }
            }
        }
        if wrong.is_empty() { Ok(Self { users, accounts }) } else { Err(wrong) }
    }
}

impl ColumnMap {
    fn parse(
        file: &str,
        pairs: &[String],
        known: &[&str],
        required: &[&str],
        wrong: &mut Vec<String>,
    ) -> Self {
        let mut map = BTreeMap::new();
        for pair in pairs {
            let Some((field, column)) =
                pair.split_once('=').filter(|(_, column)| !column.is_empty())
            else {
                wrong.push(format!("`{pair}` is no pair `field=column`."));
                continue;
            };
            if !known.contains(&field) {
                let all = known.join(", ");
                wrong.push(format!("`{field}` is no field of the {file}: these are {all}."));
            } else if map.values().any(|earlier| earlier == column) {
                wrong.push(format!("The column `{column}` of the {file} is named twice."));
            } else if map.insert(field.to_owned(), column.to_owned()).is_some() {
                wrong.push(format!("The field `{field}` of the {file} is named twice."));
            }
        }
        for field in required.iter().filter(|field| !map.contains_key(**field)) {
            wrong.push(format!("The {file} need the field `{field}`: name its column."));
        }
        Self(map)
    }

    /// The column of a field; `None` if the file has none.
    #[must_use]
    pub fn column(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// The field of a column; `None` if the column has no place.
    #[must_use]
    pub fn field(&self, column: &str) -> Option<&str> {
        self.0.iter().find(|(_, named)| *named == column).map(|(field, _)| field.as_str())
    }

    /// The first column of the map that is not among these.
    pub(super) fn missing(&self, names: &[String]) -> Option<&str> {
        self.0.values().find(|column| !names.contains(column)).map(String::as_str)
    }
}
