//! The backend on Spring Boot.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{stories, visit::Start};
use crate::{
    clients::java::archive,
    support::{
        child::{copy, temp_dir},
        fetched::fetched_dir,
    },
};

const FOLDER: &str = "examples/login-backend/spring-boot";
const CLIENT: &str = "clients/java/pom.xml";
/// The program in its folder, with its libraries beside it.
const PROGRAM: &str = "app/login-backend-spring-boot-0.1.0.jar";
/// Its classes as Java has read them, so that each start is quick.
const CLASSES: &str = "-XX:SharedArchiveFile=app/classes.jsa";

/// The folder in which Maven has built the backend, once for all tests.
///
/// Maven has a local repository of its own here, which the versions in both files name: the client is
/// installed there, and not in the developer's. After its first run Maven asks no network.
fn built() -> PathBuf {
    let client = archive();
    let pom = format!("{FOLDER}/pom.xml");
    let repository = fetched_dir("login-spring-boot", &[&pom, CLIENT]);
    let held = File::create(repository.with_extension("lock")).unwrap();
    held.lock().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let installed = repository.join("com/example/identitylink/identitylink-client").join(version);
    fs::create_dir_all(&installed).unwrap();
    let name = format!("identitylink-client-{version}");
    fs::copy(client, installed.join(format!("{name}.jar"))).unwrap();
    fs::copy(CLIENT, installed.join(format!("{name}.pom"))).unwrap();

    let folder = temp_dir("login_spring_boot");
    copy(Path::new(FOLDER), &folder);
    let fetched = repository.join("fetched");
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "package"]).current_dir(&folder);
    maven.arg(format!("-Dmaven.repo.local={}", repository.display()));
    if fetched.exists() {
        maven.arg("--offline");
    }
    done(maven);
    File::create(fetched).unwrap();

    let mut extract = Command::new("java");
    let archive = format!("target/{}", PROGRAM.trim_start_matches("app/"));
    extract.args(["-Djarmode=tools", "-jar", &archive, "extract", "--destination", "app"]);
    extract.current_dir(&folder);
    done(extract);
    let mut once = Command::new("java");
    once.args(["-XX:ArchiveClassesAtExit=app/classes.jsa", "-Dspring.context.exit=onRefresh"]);
    once.args(["-jar", PROGRAM]).current_dir(&folder);
    once.envs([("TOKEN_FILE", "none"), ("LISTEN", "http://127.0.0.1:0")]);
    done(once);
    folder
}

/// Runs a command that has to succeed. There is no bound: at its first run Maven fetches its plugins.
fn done(mut command: Command) {
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}

fn command() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new("java");
    command.current_dir(BUILT.get_or_init(built));
    command.args(["-XX:TieredStopAtLevel=1", CLASSES, "-jar", PROGRAM]);
    command
}

stories!(command as Start);

/// The backend has the client of this version, and gRPC at the client's version rather than at that of
/// Spring Boot. The page of the client says so.
#[test]
fn it_has_the_versions_of_the_client() {
    let read = |file: &str| fs::read_to_string(file).unwrap();
    let [client, backend] = [read(CLIENT), read(&format!("{FOLDER}/pom.xml"))];
    let grpc = client.split("<grpc.version>").nth(1).unwrap().split('<').next().unwrap();
    let named = format!("<grpc-java.version>{grpc}</grpc-java.version>");
    assert!(backend.contains(&named), "{named}");
    let (_, behind) = backend.split_once("<artifactId>identitylink-client</artifactId>").unwrap();
    let version = format!("<version>{}</version>", env!("CARGO_PKG_VERSION"));
    assert!(behind.trim_start().starts_with(&version), "{behind:.60}");
    let said = format!("`grpc-java.version` to {grpc}");
    assert!(read("docs/how-to/java.md").contains(&said), "{said}");
}
