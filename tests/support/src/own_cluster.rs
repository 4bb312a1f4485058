//! Clusters of a test's own, and base backups of them.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use identity_link_dev::Postgres;

use super::{artifacts::tmp_dir, child::run_command, cluster::Database};

/// An empty folder for a cluster.
pub fn empty(name: &str) -> PathBuf {
    let dir = tmp_dir().join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    dir
}

/// Starts a Postgres with its data in this folder, and with further settings.
pub fn postgres(dir: &Path, settings: &[(&str, &str)]) -> Postgres {
    let settings = [&[("fsync", "off"), ("wal_level", "replica")], settings].concat();
    Postgres::start(dir, &settings, &mut |text| eprintln!("{text}")).unwrap()
}

/// The database of this Postgres.
pub fn database(postgres: &Postgres) -> Database {
    Database { name: "postgres".to_owned(), url: postgres.url("postgres") }
}

/// Makes a base backup of a cluster in a folder, with options of `pg_basebackup`, and an empty file
/// of this name beside it, if any.
pub async fn base_backup(database: &Database, dir: &Path, options: &[&str], beside: Option<&str>) {
    let programs =
        database.db_texts("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await.remove(0);
    let data = database.db_texts("SELECT current_setting('data_directory')").await.remove(0);
    fs::create_dir_all(dir).unwrap();
    let mut copy = Command::new(Path::new(&programs).join("pg_basebackup"));
    copy.args(["--checkpoint=fast", "--dbname", &database.url, "--pgdata"]);
    copy.arg(dir.join("postgres")).args(options);
    let ran = run_command(copy);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    if let Some(beside) = beside {
        fs::write(dir.join("postgres").join(beside), "").unwrap();
    }
    give(dir, &fs::metadata(data).unwrap());
}

/// Gives everything in a folder to the owner of `like`.
fn give(path: &Path, like: &fs::Metadata) {
    chown(path, Some(like.uid()), Some(like.gid())).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), like));
    }
}
