//! The users that are imported.

use std::io::Write;

pub(super) fn user_id(number: u64) -> String {
    format!("usr_{number:032x}")
}

/// The subject of a user's account at the provider.
pub(super) fn subject(number: u64) -> u128 {
    100_000_000_000_000_000_000_u128 + u128::from(number)
}

/// Rows as an export of a service that signs people in has them: one in ten users has two accounts,
/// and one in `pair_every` shares the email of the user before it.
pub(super) fn write_rows(mut to: impl Write, users: u64, pair_every: u64) {
    for number in 0..users {
        let second = match number % 10 {
            0 => format!(",{{\"provider\":\"github\",\"subject\":\"{number}\"}}"),
            _ => String::new(),
        };
        writeln!(
            to,
            "{{\"id\":\"{id}\",\"create_time\":\"2025-01-02T03:04:05Z\",\"user_metadata\":{{\"theme\":\"dark\",\"n\":{number}}},\
             \"app_metadata\":{{\"plan\":\"free\"}},\"identities\":[{{\"provider\":\"google-oauth2\",\"subject\":\"{subject}\",\
             \"email\":\"user{email}@example.com\",\"email_verified\":true,\"profile_data\":{{\"name\":\"User {number}\"}}}}{second}]}}",
            id = user_id(number),
            email = if number % pair_every == pair_every - 1 { number - 1 } else { number },
            subject = subject(number)
        )
        .unwrap();
    }
    to.flush().unwrap();
}
