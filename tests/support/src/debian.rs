//! Programs of Debian's packages.

use std::{fs::File, process::Command};

use super::{artifacts::tmp_dir, child::run_command};

/// The name of the program, of those that do: one that is installed, or the first, which apt then
/// installs from the package of that name.
pub fn program(names: &[&'static str]) -> &'static str {
    program_of(names[0], names)
}

/// The same, from this package.
pub fn program_of(package: &str, names: &[&'static str]) -> &'static str {
    // HAProxy knows `-v` only, and Chromium `--version` only.
    let runs = |name: &&&str| {
        ["--version", "-v"].iter().any(|option| {
            Command::new(name).arg(option).output().is_ok_and(|said| said.status.success())
        })
    };
    let held = File::create(tmp_dir().join("apt.lock")).unwrap();
    held.lock().unwrap();
    names.iter().find(runs).copied().unwrap_or_else(|| {
        apt_installs(&[package]);
        names[0]
    })
}

/// Installs those of these packages that are not there.
pub fn install(packages: &[&str]) {
    let held = File::create(tmp_dir().join("apt.lock")).unwrap();
    held.lock().unwrap();
    let there = Command::new("dpkg").arg("--status").args(packages).output();
    if !there.is_ok_and(|said| said.status.success()) {
        apt_installs(packages);
    }
}

fn apt_installs(packages: &[&str]) {
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    for arguments in [&["update"][..], &install] {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        let ran = run_command(command);
        let problem = format!("{packages:?} are not installed, and apt cannot install them");
        assert_eq!(ran.code, Some(0), "{problem}: {}", ran.stderr);
    }
}
