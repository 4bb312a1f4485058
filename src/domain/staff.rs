//! What people may do in the console.

/// The role of a person in the console. Each may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaffRole {
    /// Finds users and looks at them.
    Viewer,
    /// Also changes which accounts belong to a user.
    Support,
    /// Also works on many users, and erases them.
    Operator,
}

impl StaffRole {
    /// All roles, from the lowest to the highest.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Support, Self::Operator];

    /// The name, as it is stored and as people see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
        }
    }

    /// The role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The scopes of a service token whose calls the role may look at, without any effect: what would
    /// happen if an account signed in shows the emails of other users, so a viewer has it not.
    pub fn preview_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Viewer => &[],
            Self::Support | Self::Operator => &["sign_in:users"],
        }
    }

    /// The scopes of a service token that may do the same, as the access table has them.
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Viewer => &["read:users", "read:connections"],
            Self::Support => &["read:users", "read:connections", "update:users"],
            Self::Operator => &[
                "read:users",
                "read:connections",
                "update:users",
                "delete:users",
                "read:events",
                "jobs:users",
            ],
        }
    }
}
