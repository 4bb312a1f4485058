//! The client for Node.js, as a package of ES modules and of CommonJS.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::{assert_undone, driver::Driver, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        child::{Ran, copy, run_command, temp_dir},
        npm,
        tokens::Token,
    },
};

const FOLDER: &str = "clients/node";
const PAGE: &str = "docs/how-to/node.md";
const README: &str = "clients/node/README.md";

/// The libraries and tools that the lock file of the client names.
pub(super) fn packages() -> PathBuf {
    let files = ["package.json", "package-lock.json"].map(|name| format!("{FOLDER}/{name}"));
    npm::packages_beside("client-node", &files.each_ref().map(String::as_str))
}

/// The folder in which the package, its drivers and its tests are built, once for all tests of
/// this process.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = temp_dir("client_node");
        copy(Path::new(FOLDER), &folder);
        symlink(here(&packages().join("node_modules")), folder.join("node_modules")).unwrap();
        // Its script `prepack` builds the package.
        let packed = done(at(&folder, npm::npm(&["pack", "--json"])));
        fs::write(folder.join("packed.json"), packed).unwrap();
        done(tsc(&folder, &["-p", "tsconfig.tests.json"]));
        folder
    })
}

/// The path from the root of the file system.
pub(crate) fn here(path: &Path) -> PathBuf {
    env::current_dir().unwrap().join(path)
}

/// The command in this folder, with the programs of the packages.
fn at(folder: &Path, mut command: Command) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    command.current_dir(folder).env("PATH", npm::path_with(&packages(), &path));
    command
}

/// Node.js in this folder, with these arguments.
pub(crate) fn node(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("node");
    command.args(arguments);
    at(folder, command)
}

/// The compiler of TypeScript in this folder.
pub(crate) fn tsc(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("tsc");
    command.args(arguments);
    at(folder, command)
}

/// What a command printed that has to succeed.
fn done(command: Command) -> String {
    let ran = run_command(command);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

async fn ran(command: impl FnOnce() -> Command + Send + 'static) -> Ran {
    tokio::task::spawn_blocking(|| run_command(command())).await.unwrap()
}

/// A project of CommonJS that has the package installed, with the same driver.
fn built_as_commonjs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = project("client_node_commonjs");
        let out = folder.to_str().unwrap();
        let as_commonjs = ["--module", "commonjs", "--moduleResolution", "bundler"];
        let mut arguments = vec!["-p", "tsconfig.tests.json", "--outDir", out];
        arguments.extend(as_commonjs);
        arguments.extend(["--verbatimModuleSyntax", "false"]);
        done(tsc(built(), &arguments));
        folder
    })
}

async fn driver() -> Driver {
    let start = || Driver::start(node(built(), &["build/conformance/driver.js"]));
    tokio::task::spawn_blocking(start).await.unwrap()
}

#[tokio::test]
async fn every_scenario_holds() {
    all_hold(driver().await).await;
}

#[tokio::test]
async fn every_scenario_holds_by_commonjs() {
    let start = || Driver::start(node(built_as_commonjs(), &["conformance/driver.js"]));
    all_hold(tokio::task::spawn_blocking(start).await.unwrap()).await;
}

/// By hand, for its runtimes take 350 MB: `just other-runtimes`.
#[tokio::test]
#[ignore = "downloads two runtimes, of 350 MB: `just other-runtimes`"]
async fn every_scenario_holds_on_bun_and_deno() {
    let runtimes = tokio::task::spawn_blocking(|| npm::packages("tests/it/bun-and-deno"));
    let modules = here(&runtimes.await.unwrap().join("node_modules"));
    let deno = modules.join("@deno/linux-x64-glibc/deno");
    for (runtime, arguments) in [
        (modules.join("@oven/bun-linux-x64/bin/bun"), &[][..]),
        (deno, &["run", "--allow-all"][..]),
    ] {
        let start = move || {
            let mut command = Command::new(runtime);
            command.args(arguments).arg("build/conformance/driver.js");
            Driver::start(at(built(), command))
        };
        all_hold(tokio::task::spawn_blocking(start).await.unwrap()).await;
    }
}

watches!(driver());

/// A client of several addresses reaches them.
#[tokio::test]
async fn a_client_has_several_addresses() {
    let server = TestServer::start().await;
    let other = server.another().await;
    let id = server.service().create("github", "1").await.id;
    let target = format!("ipv4:{},{}", server.address, other.address);
    let token = Token::of("services", "backend").sign();
    let mut driver = driver().await;
    let open = json!({"open": {"target": target, "tokens": [token]}});
    assert_eq!(driver.ask(&open).await, json!({"opened": true}));
    let call = json!({"call": "GetUser", "request": {"userId": id}});
    assert_eq!(driver.ask(&call).await["response"]["user"]["id"], json!(id));
}

/// The package's own tests pass: when a token is renewed, by a clock that they set, and which
/// requests are refused before anything is sent.
#[tokio::test]
async fn the_tests_of_the_package_pass() {
    let tested = ran(|| {
        let tests = ["requests", "tokens"].map(|name| format!("build/tests/{name}.test.js"));
        node(built(), &[&["--test".to_owned()][..], &tests].concat())
    })
    .await;
    assert_eq!(tested.code, Some(0), "{}{}", tested.stdout, tested.stderr);
    // A run without tests succeeds too.
    let passed = tested.stdout.lines().find_map(|line| line.split_once("pass "));
    let passed: u32 = passed.unwrap().1.parse().unwrap();
    assert!(passed > 10, "{}", tested.stdout);
}

/// The package has the version of the service.
#[test]
fn the_version_is_that_of_the_service() {
    for file in ["package.json", "package-lock.json"] {
        let text = fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
        let package: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(package["version"], env!("CARGO_PKG_VERSION"), "{file}");
    }
}

/// What npm would publish is what was built, with types beside each module, and nothing else.
#[tokio::test]
async fn the_package_has_what_it_exports() {
    let folder = tokio::task::spawn_blocking(built).await.unwrap();
    let packed = fs::read_to_string(folder.join("packed.json")).unwrap();
    let packed: Value =
        serde_json::from_str(&packed[packed.find("[\n").unwrap_or_default()..]).unwrap();
    let files: Vec<&str> = packed[0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    for file in ["README.md", "package.json", "dist/cjs/package.json"] {
        assert!(files.contains(&file), "{file} is not in {files:?}");
    }
    let is_built = |file: &&&str| file.starts_with("dist/");
    let others = files.len() - files.iter().filter(is_built).count();
    assert_eq!(others, 2, "{files:?}");
    for kind in ["esm", "cjs"] {
        for module in ["index", "reasons", "v1"] {
            for extension in ["js", "d.ts"] {
                let file = format!("dist/{kind}/{module}.{extension}");
                assert!(files.contains(&file.as_str()), "{file} is not in {files:?}");
            }
        }
    }
}

/// A project that has the package installed as npm packs it.
pub(crate) fn project(name: &str) -> PathBuf {
    let folder = temp_dir(name);
    let packages = here(&packages().join("node_modules"));
    let modules = folder.join("node_modules");
    fs::create_dir_all(&modules).unwrap();
    for entry in fs::read_dir(packages).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), modules.join(entry.file_name())).unwrap();
    }
    let mut unpack = Command::new("tar");
    let archive = built().join(format!("identitylink-{}.tgz", env!("CARGO_PKG_VERSION")));
    unpack.arg("-xzf").arg(archive).arg("-C").arg(&modules);
    done(unpack);
    fs::rename(modules.join("package"), modules.join("identitylink")).unwrap();
    fs::write(folder.join("token"), Token::of("services", "backend").sign()).unwrap();
    folder
}

/// A sample of a document, for this server and the token of this project.
fn for_server(sample: &str, server: &TestServer, folder: &Path) -> String {
    sample
        .replace(
            "\"identity.example.com:443\", {",
            &format!("\"{}\", {{ plaintext: true,", server.address),
        )
        .replace("\"127.0.0.1:50051\"", &format!("\"{}\"", server.address))
        .replace("FileToken(\"token\")", &format!("FileToken({:?})", folder.join("token")))
        .replace("/run/secrets/identity-link", folder.join("token").to_str().unwrap())
}

/// The arguments with which TypeScript checks programs as strictly as it can.
pub(crate) const STRICT: [&str; 8] = [
    "--strict",
    "--exactOptionalPropertyTypes",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--types",
    "node",
];

/// The blocks of the page are one program, which prints what the page says. Its types are right, also
/// for a program of CommonJS.
#[tokio::test]
async fn the_page_is_right() {
    let server = TestServer::start_feed().await;
    let page = Page::read(PAGE);
    let said = {
        let folder = tokio::task::spawn_blocking(|| project("client_node_page")).await.unwrap();
        let program = for_server(&page.blocks_in("ts").concat(), &server, &folder);
        fs::write(folder.join("page.mts"), program).unwrap();
        let by_require = for_server(&page.blocks_in("js").concat(), &server, &folder);
        fs::write(folder.join("page.cjs"), by_require).unwrap();
        let typed = "import { Client } from \"identitylink\";\n\
                     import { LastIdentity } from \"identitylink/reasons\";\n\
                     import { LinkResponse_Outcome } from \"identitylink/v1\";\n\
                     export const used = [Client, LastIdentity, LinkResponse_Outcome.ABSORBED];\n";
        fs::write(folder.join("typed.cts"), typed).unwrap();
        tokio::task::spawn_blocking(move || {
            done(tsc(&folder, &[&STRICT[..], &["page.mts", "typed.cts"]].concat()));
            // The second time, the users are there.
            let [first, again] = [(); 2].map(|()| done(node(&folder, &["page.mjs"])));
            assert_eq!(first, again);
            [first, done(node(&folder, &["page.cjs"]))]
        })
        .await
        .unwrap()
    };
    assert_undone(&server).await;
    let texts = page.blocks_in("text");
    let [by_require, by_import @ ..] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!(
        said.each_ref().map(|text| format!("{text}\n")),
        [by_import.concat(), by_require.clone()]
    );
}

/// The program of the package's README links two users.
#[tokio::test]
async fn the_readme_is_right() {
    let server = TestServer::start().await;
    for (provider, subject) in [("github", "1"), ("sms", "2")] {
        let by_account = |request: &mut pb::CreateUserRequest| {
            request.set_user_id_form(pb::UserIdForm::ProviderSubject);
        };
        server.service().create_with(provider, subject, by_account).await;
    }
    let folder = tokio::task::spawn_blocking(|| project("client_node_readme")).await.unwrap();
    let sample = for_server(&Page::read(README).blocks_in("ts").concat(), &server, &folder);
    fs::write(folder.join("readme.mts"), sample).unwrap();
    let run = move || {
        done(tsc(&folder, &[&STRICT[..], &["readme.mts"]].concat()));
        done(node(&folder, &["readme.mjs"]))
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(server.service().user("github|1").await.identities.len(), 2);
}
