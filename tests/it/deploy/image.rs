//! The root filesystem of the image, as the Dockerfile assembles it, and the binary in it: without a
//! container engine, as another user in a changed root.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Signal, geteuid};

use super::packages;
use crate::support::{
    artifacts,
    child::{Running, run_command, temp_dir},
    cluster::cluster,
    server::config_toml,
    tokens::keys_dir,
};

/// The account of the image.
const ACCOUNT: &str = "65532:65532";
const CONFIG: &str = "/etc/identity-link/identity-link.toml";

/// Assembles the root filesystem in a folder with this name.
fn assembled(name: &str, sbom: &Path) -> PathBuf {
    let root = temp_dir(name).join("root");
    let mut script = Command::new("deploy/image/rootfs.sh");
    script.arg(artifacts::service()).arg(&root).arg(sbom);
    let ran = run_command(script);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    root
}

/// The program of the image with these arguments, as its account, without this machine's files and
/// environment.
fn in_image(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command.arg(format!("--userspec={ACCOUNT}")).arg(root).arg("/usr/bin/identity-link");
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin");
    command
}

/// All paths in a folder.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { paths(&path) } else { vec![path] }).collect()
}

/// Puts a configuration into the image, as a volume would, for the database at this URL.
fn configure(root: &Path, database_url: &str) {
    let folder = root.join("etc/identity-link");
    fs::create_dir(folder.join("keys")).unwrap();
    for path in paths(&keys_dir()) {
        fs::copy(&path, folder.join("keys").join(path.file_name().unwrap())).unwrap();
    }
    let (url, authority) = database_url.split_once("sslrootcert=").unwrap();
    fs::copy(authority, folder.join("db-ca.pem")).unwrap();
    let url = format!("{url}sslrootcert=/etc/identity-link/db-ca.pem");
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), &url)
        .replace(keys_dir().to_str().unwrap(), "/etc/identity-link/keys");
    let toml = toml + "\n[management]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(root.join(CONFIG.trim_start_matches('/')), toml).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_is_the_same_each_time_and_serves_as_an_account_without_rights() {
    if !geteuid().is_root() {
        eprintln!("not run: only root changes the root folder of a process");
        return;
    }
    let sbom = temp_dir("image_sbom").join("sbom.json");
    fs::write(&sbom, "{}").unwrap();
    let (root, again) = (assembled("image", &sbom), assembled("image_again", &sbom));
    let tar = |root: &Path| {
        let mut tar = Command::new("tar");
        tar.args(["--sort=name", "--numeric-owner", "--create", "--directory"]).arg(root).arg(".");
        tar.output().unwrap().stdout
    };
    assert!(tar(&root) == tar(&again), "two runs should assemble the same files");
    fs::remove_dir_all(again).unwrap();

    for path in paths(&root) {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.mtime()), (0, 0), "{}", path.display());
        assert_eq!(metadata.permissions().mode() & 0o6022, 0, "{}", path.display());
    }
    assert!(root.join("usr/share/sbom/identity-link.cdx.json").exists());

    let version = run_command(in_image(&root, &["version"]));
    assert!(version.stdout.starts_with(concat!("identity-link ", env!("CARGO_PKG_VERSION"))));

    let tmp = fs::metadata(root.join("tmp")).unwrap();
    assert_eq!(tmp.permissions().mode() & 0o7777, 0o1777);

    configure(&root, &cluster().db_empty().await.db_behind_tls().await);
    let migrated = run_command(in_image(&root, &["migrate", "--config", CONFIG]));
    assert_eq!(migrated.code, Some(0), "{}", migrated.stderr);

    // A search by mailboxes at Google keeps them in temporary files, as an import keeps its rows.
    let search = ["duplicates", "--config", CONFIG, "--tenant", "default", "--gmail"];
    let searched = run_command(in_image(&root, &search));
    assert_eq!(searched.code, Some(0), "{}", searched.stderr);

    let mut server = Running::start(in_image(&root, &["serve", "--config", CONFIG]));
    let line = server.stderr_until(|line| line.contains(r#""message":"serving management""#));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    server.stderr_until(|line| line.contains(r#""message":"serving""#));
    let mut health = in_image(&root, &["health", "--config", CONFIG]);
    health.env("IDENTITY_LINK__MANAGEMENT__LISTEN", line["address"].as_str().unwrap());
    let ready = run_command(health);
    assert_eq!(ready.code, Some(0), "{}", ready.stderr);
    assert!(ready.stdout.contains(r#""status":"ready""#), "{}", ready.stdout);
    let process = fs::metadata(format!("/proc/{}", server.pid().as_raw_nonzero())).unwrap();
    assert_eq!((process.uid(), process.gid()), (65532, 65532));
    server.signal(Signal::TERM);
    assert_eq!(server.finish().code, Some(0));

    // The folder is as large as the binary, which the tests build with its debug information.
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn the_dockerfile_has_no_fault_that_a_linter_knows() {
    let mut lint = Command::new(packages().join("bin/hadolint"));
    lint.arg("deploy/Dockerfile");
    let linted = run_command(lint);
    assert_eq!((linted.code, linted.stdout.as_str()), (Some(0), ""), "{}", linted.stderr);
}

/// Cargo reads the manifests of all members, whichever one it builds.
#[test]
fn the_build_gets_each_member_of_the_workspace() {
    let manifest: toml::Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    let ignored = fs::read_to_string("deploy/Dockerfile.dockerignore").unwrap();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        let member = Path::new(member.as_str().unwrap());
        let mut kept = ignored.lines().filter_map(|line| line.strip_prefix('!'));
        assert!(kept.any(|kept| member.starts_with(kept)), "{} is left out", member.display());
    }
}
