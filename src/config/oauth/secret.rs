//! The keys of a client's secret.

use std::path::Path;

use super::{
    super::{
        keys::{Key, Text},
        reader::Reader,
    },
    KEYS, ProtocolKind, not_empty,
};
use crate::{
    auth::{ClientSecret, SecretKey},
    oauth::Preset,
    secret::{Secret, read_secret as read_secret_file},
};

/// Reads the secret of a client at such a provider. Relative paths start at `base`.
pub(super) fn read(
    r: &mut Reader,
    kind: Option<ProtocolKind>,
    base: &Path,
) -> Option<ClientSecret> {
    let keys = [&KEYS.client_secret, &KEYS.client_secret_file, &KEYS.client_secret_key_file];
    let of_key = [&KEYS.client_secret_key_id, &KEYS.client_secret_team_id];
    let issued = |secret| ClientSecret::Issued(Secret::new(secret));
    match keys.map(|key| r.has(key.name)) {
        [true, false, false] => {
            let secret = r.text(&KEYS.client_secret);
            not_empty(r, &KEYS.client_secret, secret).map(issued)
        }
        [false, true, false] => read_file(r, &KEYS.client_secret_file, base).map(issued),
        [false, false, true] => {
            let pem = read_file(r, &KEYS.client_secret_key_file, base).map(Secret::new);
            for key in of_key.iter().filter(|key| !r.has(key.name)) {
                r.lacks(&[key.name], "is required beside client_secret_key_file");
            }
            let ids = of_key.map(|key| {
                let text = r.text(key);
                not_empty(r, key, text)
            });
            let [Some(key_id), Some(team_id)] = ids else { return None };
            if !matches!(kind, Some(ProtocolKind::Oidc(Some(Preset::Apple))) | None) {
                r.problem(KEYS.client_secret_key_file.name, "is of preset \"apple\" only");
                return None;
            }
            let key = SecretKey::new(pem?, key_id, team_id);
            let problem = |error| {
                r.problem(KEYS.client_secret_key_file.name, format!("names a file that {error}"));
            };
            key.map(ClientSecret::Signed).map_err(problem).ok()
        }
        _ => {
            r.lacks(
                &keys.map(|key| key.name),
                "exactly one of client_secret, client_secret_file and client_secret_key_file is required",
            );
            r.skip(keys.map(|key| key.name));
            r.skip(of_key.map(|key| key.name));
            None
        }
    }
}

/// The secret in the file that a key names.
fn read_file(r: &mut Reader, key: &Key<Text>, base: &Path) -> Option<String> {
    // The path is not quoted: it may be a secret that was written here by mistake.
    let secret = read_secret_file(&base.join(r.text(key)?));
    secret.map_err(|error| r.problem(key.name, format!("names a file that {error}"))).ok()
}
