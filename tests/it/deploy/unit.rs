//! The unit of systemd, as systemd's own tool judges it.

use std::{fs, process::Command};

use crate::support::{
    artifacts,
    child::{run_command, temp_dir},
};

const UNIT: &str = "deploy/systemd/identity-link.service";
/// The highest exposure that is accepted, in tenths; systemd calls less than 2 "OK".
const EXPOSURE: &str = "--threshold=15";

#[test]
fn systemd_accepts_the_unit_and_finds_it_hardened() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("not run: there is no systemd-analyze");
        return;
    }
    // The tool looks for the program.
    let unit = fs::read_to_string(UNIT).unwrap();
    let program = artifacts::service();
    let unit = unit.replace("/usr/local/bin/identity-link", program.to_str().unwrap());
    let file = temp_dir("unit").join("identity-link.service");
    fs::write(&file, unit).unwrap();

    for judge in [&["verify"][..], &["security", "--offline=true", EXPOSURE, "--no-pager"]] {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(judge).arg(&file);
        let judged = run_command(analyze);
        assert_eq!((judged.code, judged.stderr.as_str()), (Some(0), ""), "{}", judged.stdout);
    }
}
