//! The users of the benchmark, and their names.

use std::fmt::Write as _;

/// The first user's number less one. As Google's subjects, the numbers are long; they fit into the
/// integers of pgbench.
pub(super) const BASE: u64 = 100_000_000_000_000_000;
/// How many pairs of users are linked. They are spread over the whole table and are as many in each
/// database, so that a ratio of two sizes compares the sizes alone.
pub(super) const PAIRS: u64 = 500;
/// The provider of each user's identity.
pub(super) const PROVIDER: &str = "google-oauth2";

/// The id of a user, from 1 on, which is its subject at the provider, too.
pub(super) fn id(number: u64) -> String {
    (BASE + number).to_string()
}

/// The email of a user.
pub(super) fn email(number: u64) -> String {
    format!("{}@example.com", BASE + number)
}

/// The users of a pair, the primary one first.
pub(super) fn pair(users: u64, number: u64) -> (u64, u64) {
    let step = users / (2 * PAIRS);
    let first = 1 + 2 * step * (number % PAIRS);
    (first, first + step)
}

/// The number of a pair that a random number chooses, and that no other one of so many tasks has.
pub(super) fn own_pair(task: usize, tasks: usize, random: u64) -> u64 {
    let tasks = tasks as u64;
    task as u64 + tasks * (random % (PAIRS / tasks))
}

/// Statements that insert so many users, as `CreateUser` would, without the triggers of the foreign
/// keys, which hold for these rows.
pub(super) fn insert(users: u64) -> String {
    const CHUNK: u64 = 500_000;
    let mut sql = "SET session_replication_role = replica;\n".to_owned();
    for from in (1..=users).step_by(usize::try_from(CHUNK).unwrap()) {
        let numbers =
            format!("generate_series({from}, {}) n", users.min(from.saturating_add(CHUNK - 1)));
        write!(
            sql,
            "INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject, \
               user_metadata) \
             SELECT 'default', ({BASE} + n)::text, now(), now(), '{PROVIDER}', ({BASE} + n)::text, \
               '{{\"color\": \"red\", \"addresses\": {{\"home\": \"123 Main Street\", \"work\": \"100 Industrial Way\"}}}}' \
             FROM {numbers};\n\
             INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
               email, email_canonical, email_verified, email_verify_time, email_verifier, email_proven_since, \
               profile_data, attach_time) \
             SELECT 'default', '{PROVIDER}', ({BASE} + n)::text, ({BASE} + n)::text, ({BASE} + n)::text, 0, \
               '{PROVIDER}', true, ({BASE} + n) || '@example.com', ({BASE} + n) || '@example.com', true, now(), \
               '{{\"kind\": \"service\", \"issuer\": \"https://services.example.com\", \"subject\": \"backend\"}}', \
               now(), \
               '{{\"name\": \"John Doe\", \"given_name\": \"John\", \"family_name\": \"Doe\", \
                 \"picture\": \"https://lh3.googleusercontent.com/a-/photo.jpg\"}}', now() \
             FROM {numbers};\n"
        )
        .unwrap();
    }
    sql
}

/// A number of a user that is to be created: a different one each time.
pub(super) fn fresh(random: u64) -> String {
    (2 * BASE + random % (6 * BASE)).to_string()
}
