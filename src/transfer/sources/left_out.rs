//! What a user of a file has that does not come along.

use std::collections::BTreeMap;

/// A kind of what is left out wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A password's hash.
    Password,
    /// A second factor, a passkey, or their recovery codes.
    SecondFactor,
    /// A token of a provider, or one that was sent to the user.
    Token,
    /// The email of a user with several accounts, of which none is known to have it.
    Email,
}

impl Kind {
    /// The kind in the plural, as a count of it is written.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Password => "passwords",
            Self::SecondFactor => "second factors",
            Self::Token => "tokens",
            Self::Email => "emails",
        }
    }

    /// What the kind is, and why it does not come along, in one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Password => {
                "Passwords are left out: people sign in, and passwords are checked, at your providers."
            }
            Self::SecondFactor => {
                "Second factors and passkeys are left out: they belong to the provider at which people sign in."
            }
            Self::Token => "Tokens are left out: the next sign-in brings new ones.",
            Self::Email => {
                "Emails of users with several accounts are left out where the file does not say which account has them: the next sign-in brings them."
            }
        }
    }
}

/// What was left out of one user or, added up, of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many there were of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// How many users have a value in each field that has no place here, by the field's name.
    pub fields: BTreeMap<String, u64>,
}

/// The most names of fields that are counted one by one. The others are one, named `…`.
const MAX_FIELDS: usize = 200;

impl LeftOut {
    /// Counts this many of a kind.
    pub fn kind(&mut self, kind: Kind, count: usize) {
        if count > 0 {
            *self.kinds.entry(kind).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
        }
    }

    /// Counts a field.
    pub fn field(&mut self, name: &str) {
        self.fields_of(name, 1);
    }

    /// Adds what another user has left out.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        for (name, count) in &other.fields {
            self.fields_of(name, *count);
        }
    }

    fn fields_of(&mut self, name: &str, count: u64) {
        let is_new = !self.fields.contains_key(name);
        let name = if is_new && self.fields.len() >= MAX_FIELDS { "…" } else { name };
        *self.fields.entry(name.to_owned()).or_default() += count;
    }
}

/// What an operator has to know of how a user was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// The source's id is no id here.
    RenamedId,
    /// The account that the id names was not among the user's accounts.
    MainAccountAdded,
    /// Metadata of a user with several accounts has an array.
    MergedArrays,
    /// The file is of a form that has no links.
    WithoutLinks,
}

impl Note {
    /// What the note means, in one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::RenamedId => {
                "These ids have characters that no id here has, so the users get random ids: the import writes both to the file of --id-map."
            }
            Self::MainAccountAdded => {
                "The account that the user's id names was not among its identities, and was added to them."
            }
            Self::WithoutLinks => {
                "Auth0's CSV has no linked accounts: each user comes with its main account alone. Export JSON with the field `identities` to keep the links."
            }
            Self::MergedArrays => {
                "These users were linked, and have arrays in their metadata: Auth0's older link scripts merge arrays by index, so that one may have lost elements or mix those of both users. Look at them."
            }
        }
    }
}
