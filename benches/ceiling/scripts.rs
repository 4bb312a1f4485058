//! The scripts of pgbench: flat statements for the look-ups, and for the writes what the service
//! sends.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{arms::Script, population::PROVIDER};

/// What a response is made of.
const COLUMNS: &str = "u.id, u.version, u.create_time, u.update_time, u.absorbed_into, u.absorbed_by_link, u.absorbed_time, \
    u.primary_provider, u.primary_subject, u.user_metadata, u.app_metadata, u.profile_overrides, u.blocked, \
    u.tokens_valid_from, u.spared_token, u.writes_valid_from, u.ancestors, u.identities_version, \
    i.provider, i.subject, i.home_id, i.ordinal, i.connection, i.social, i.email, i.email_canonical, \
    i.email_verify_time, i.email_verifier, i.profile_data, i.attach_time, i.attached_by_link, i.owner_since, \
    i.moved_by_proof, i.vouched, i.email_proven_since, i.email_proven_among, i.email_changed, i.tokens_valid_from";
/// The identities of a user.
const IDENTITIES: &str = "JOIN identities i ON i.tenant_id = u.tenant_id AND i.owner_id = u.id";
/// Chooses a user at random.
const ANY_USER: &str = "\\set n random(1, :users)\n\\set id :base + :n\n";
/// Chooses a pair that no other client chooses, and a link id.
const ANY_PAIR: &str = "\\set own :pairs / :clients\n\
    \\set k :client_id + :clients * random(0, :own - 1)\n\
    \\set step :users / (2 * :pairs)\n\
    \\set p :base + 1 + 2 * :step * :k\n\
    \\set s :p + :step\n\
    \\set l random(100000000000, 999999999999)\n";
/// Chooses an account that is new, and the id of its user.
const NEW_USER: &str = "\\set p :base * random(2, 7) + random(0, :base)\n\
    \\set l random(100000000000, 999999999999)\n";

/// The statement of a look-up for one user, by `:id`.
fn look_up(script: Script) -> String {
    match script {
        Script::GetUser => format!(
            "SELECT {COLUMNS} FROM users n \
             JOIN users u ON u.tenant_id = n.tenant_id AND u.id = coalesce(n.absorbed_into, n.id) {IDENTITIES} \
             WHERE n.tenant_id = 'default' AND n.id = :id"
        ),
        Script::FindByIdentity => format!(
            "SELECT {COLUMNS} FROM identities n JOIN users u ON u.tenant_id = n.tenant_id AND u.id = n.owner_id {IDENTITIES} \
             WHERE n.tenant_id = 'default' AND n.provider = '{PROVIDER}' AND n.subject = :id"
        ),
        Script::FindByEmail => format!(
            "SELECT {COLUMNS} FROM (SELECT DISTINCT owner_id FROM identities \
               WHERE tenant_id = 'default' AND email_canonical = :id || '@example.com' AND email_verified \
               ORDER BY owner_id LIMIT 51) m \
             JOIN users u ON u.tenant_id = 'default' AND u.id = m.owner_id {IDENTITIES} ORDER BY u.id"
        ),
        Script::CreateUser | Script::LinkAndUnlink => unreachable!("these are captured"),
    }
}

/// Writes a script, of the statements that the service sends where it writes, and returns its path.
pub(super) fn write(folder: &Path, script: Script, captured: &[String]) -> PathBuf {
    let text = match script {
        Script::LinkAndUnlink => format!("{ANY_PAIR}{};\n", captured.join(";\n")),
        Script::CreateUser => format!("{NEW_USER}{};\n", captured.join(";\n")),
        look_up_script => format!("{ANY_USER}{};\n", look_up(look_up_script)),
    };
    let file = folder.join(format!("{script:?}.pgbench"));
    fs::write(&file, text).unwrap();
    file
}
