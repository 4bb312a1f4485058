//! The client for Java, by calls that wait and by futures.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{assert_undone, driver::Driver, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        child::{copy, run_command, temp_dir},
        debian,
        tokens::Token,
    },
};

const FOLDER: &str = "clients/java";
const PAGE: &str = "docs/how-to/java.md";

/// The folder in which Maven has built and tested the client, once for all tests of this process.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut command = maven();
        let folder = temp_dir("client_java");
        copy(Path::new(FOLDER), &folder);
        let protos = env::current_dir().unwrap().join("proto");
        command.args(["--batch-mode", "--quiet", "package"]);
        command.arg(format!("-Dprotos={}", protos.display())).current_dir(&folder);
        // There is no bound here: at its first run Maven fetches its plugins.
        let ran = command.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        folder
    })
}

/// Maven, with a compiler of Java beside it.
pub(super) fn maven() -> Command {
    debian::program_of("default-jdk-headless", &["javac"]);
    debian::program_of("maven", &["mvn"]);
    Command::new("mvn")
}

/// The archive that would be published.
pub(crate) fn archive() -> PathBuf {
    built().join(format!("target/identitylink-client-{}.jar", env!("CARGO_PKG_VERSION")))
}

/// Where Java finds the classes of the libraries of the client.
pub(super) fn libraries() -> String {
    let libraries = fs::read_to_string(built().join("target/classpath.txt")).unwrap();
    libraries.trim().to_owned()
}

/// Where Java finds the classes of the client, of its libraries, and those in this folder.
fn class_path(folder: &Path) -> std::ffi::OsString {
    let own = [folder.to_owned(), archive()];
    env::join_paths(own.into_iter().chain(env::split_paths(&libraries()))).unwrap()
}

async fn driver(way: &'static str) -> Driver {
    let start = move || {
        let mut command = Command::new("java");
        command.arg("-cp").arg(class_path(&built().join("target/test-classes")));
        command.args(["identitylink.conformance.Driver", way]);
        Driver::start(command)
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

mod waiting {
    use super::{all_hold, driver, watches};

    #[tokio::test]
    async fn every_scenario_holds() {
        all_hold(driver("blocking").await).await;
    }

    watches!(driver("blocking"));
}

mod by_futures {
    use super::{all_hold, driver};

    #[tokio::test]
    async fn every_scenario_holds() {
        all_hold(driver("async").await).await;
    }
}

/// The client's own tests have passed, or Maven would have made no archive: when a token is renewed,
/// by a clock that they set, and how calls end that nothing answers.
#[tokio::test]
async fn the_tests_of_the_client_have_run() {
    let reports = tokio::task::spawn_blocking(built).await.unwrap().join("target/surefire-reports");
    for (test, least) in [("TokensTest", 9), ("ClientTest", 9)] {
        let report = reports.join(format!("TEST-identitylink.{test}.xml"));
        let report = fs::read_to_string(report).unwrap();
        let cases = report.matches("<testcase").count();
        assert!(cases >= least, "{test} has {cases} tests");
        assert!(!report.contains("<skipped"), "{report}");
    }
}

/// Each class of the client and of its messages is for Java 8: version 52 of the class file (JVM
/// specification, table 4.1-A).
#[tokio::test]
async fn java_8_runs_it() {
    let classes = tokio::task::spawn_blocking(built).await.unwrap().join("target/classes");
    for folder in ["identitylink", "identitylink/v1"] {
        let entries =
            fs::read_dir(classes.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
        assert!(files.len() > 50, "{files:?}");
        for file in files {
            assert_eq!(fs::read(&file).unwrap()[4..8], [0, 0, 0, 52], "{}", file.display());
        }
    }
}

/// The client has the version of the service.
#[test]
fn the_version_is_that_of_the_service() {
    let pom = fs::read_to_string(format!("{FOLDER}/pom.xml")).unwrap();
    let (_, behind) = pom.split_once("<artifactId>identitylink-client</artifactId>").unwrap();
    let version = format!("<version>{}</version>", env!("CARGO_PKG_VERSION"));
    assert!(behind.trim_start().starts_with(&version), "{behind:.60}");
    let page = fs::read_to_string(PAGE).unwrap();
    assert!(page.contains(&version), "{PAGE} names another version than {version}");
}

/// The blocks of the page are classes of one program, which prints what the page says.
#[tokio::test]
async fn the_page_is_right() {
    let server = TestServer::start_feed().await;
    let folder = temp_dir("client_java_page");
    let token = folder.join("token");
    fs::write(&token, Token::of("services", "backend").sign()).unwrap();
    let page = Page::read(PAGE);
    let mut sources = Vec::new();
    for block in page.blocks_in("java") {
        let (_, behind) = block.split_once("final class ").unwrap();
        let source = folder.join(format!("{}.java", behind.split_once(' ').unwrap().0));
        let here = block
            .replace("\"127.0.0.1:50051\"", &format!("\"{}\"", server.address))
            .replace("Paths.get(\"token\")", &format!("Paths.get({token:?})"));
        fs::write(&source, here).unwrap();
        sources.push(source);
    }
    let classes = class_path(&folder);
    let compile = move || {
        let mut compile = Command::new("javac");
        compile.args(["--release", "8", "-Xlint:all,-options", "-Werror"]);
        compile.arg("-cp").arg(class_path(&folder)).arg("-d").arg(&folder).args(sources);
        let compiled = run_command(compile);
        assert_eq!(compiled.code, Some(0), "{}", compiled.stderr);
    };
    tokio::task::spawn_blocking(compile).await.unwrap();
    // The second time, the users are there.
    for _ in 0..2 {
        let mut program = Command::new("java");
        program.arg("-cp").arg(&classes).arg("Shop");
        let ran = tokio::task::spawn_blocking(move || run_command(program)).await.unwrap();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(format!("{}\n", ran.stdout.trim_end()), page.blocks_in("text").concat());
        assert_undone(&server).await;
    }
}
