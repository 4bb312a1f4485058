//! The macro that declares the keys of a table.

/// Declares the keys of a table: their names, what their values are, and, as their documentation,
/// what they mean. `path` is where the table is in the file; `<tenant>` stands for a name that the
/// operator chooses.
macro_rules! keys {
    (
        $(#[doc = $about:literal])+
        static $KEYS:ident: $Keys:ident = $path:literal {
            $($(#[doc = $meaning:literal])+ $key:ident: $Form:ty = $form:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        pub(in crate::config) struct $Keys {
            $($(#[doc = $meaning])+ $key: $crate::config::keys::Key<$Form>,)+
        }

        static $KEYS: $Keys = $Keys {
            $($key: $crate::config::keys::Key { name: stringify!($key), form: $form },)+
        };

        impl $Keys {
            /// Describes the table.
            pub(in crate::config) fn described() -> $crate::config::described::Table {
                use $crate::config::described::{Form as _, KeyOfTable, Table};
                let keys = vec![$(KeyOfTable {
                    name: $KEYS.$key.name,
                    meaning: [$($meaning),+].concat(),
                    form: $KEYS.$key.form.described(),
                }),+];
                Table { path: $path, about: [$($about),+].concat(), keys }
            }
        }
    };
}
pub(super) use keys;
