//! Who may call: tokens, scopes, tenants, and what is in no table.
