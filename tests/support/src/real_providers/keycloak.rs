//! The distribution of Keycloak, from Maven Central. Maven gets it, and a Java runs it: both have to
//! be installed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use crate::artifacts::tmp_dir;

const VERSION: &str = "26.4.5";
const SHA256_OF_ZIP: &str = "72f73642a2c36de797d51b4b2b342d4a49f6e5832af10aa470cd123627bd80b3";

/// Its folder, built for a database in memory. It is renamed into its place after it is whole.
pub(super) fn home() -> PathBuf {
    let home = tmp_dir().join(format!("keycloak-{VERSION}"));
    let held = File::create(home.with_extension("lock")).unwrap();
    held.lock().unwrap();
    if !home.is_dir() {
        let partial = home.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).unwrap();
        }
        fs::create_dir(&partial).unwrap();
        unpack(&partial);
        let unpacked = partial.join(format!("keycloak-{VERSION}"));
        // Without this, each start would build first.
        let mut build = Command::new("sh");
        build.arg(unpacked.join("bin/kc.sh")).args(["build", "--db=dev-mem"]);
        run(build);
        fs::rename(unpacked, &home).unwrap();
        fs::remove_dir_all(partial).unwrap();
    }
    home
}

/// Downloads the distribution, compares its hash, and unpacks it in this folder.
fn unpack(folder: &Path) {
    let mut download = Command::new("mvn");
    download.args(["-B", "-q", "dependency:copy"]);
    download.arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"));
    download.arg(format!("-DoutputDirectory={}", folder.display()));
    run(download);
    let zip = folder.join(format!("keycloak-quarkus-dist-{VERSION}.zip"));
    let bytes = fs::read(&zip).unwrap();
    assert_eq!(HEXLOWER.encode(digest(&SHA256, &bytes).as_ref()), SHA256_OF_ZIP);
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(zip).arg(folder);
    run(unzip);
}

/// Runs a command to its end. There is no bound here: a download and a build take their time.
fn run(mut command: Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
