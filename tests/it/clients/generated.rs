//! `buf.gen.yaml` generates the messages and the stubs of every language that has a client, for programs
//! that use no client of ours.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{java, node, python};
use crate::{
    docs::pages::Page,
    support::{
        artifacts::tmp_dir,
        child::{Ran, run_command, temp_dir},
        golang::{go, path_with_go},
        npm,
        python::packages,
    },
};

const PAGE: &str = "docs/how-to/call.md";
/// The programs that Maven Central has, and their versions.
const OF_MAVEN: [(&str, &str); 2] =
    [("com.google.protobuf:protoc", "4.33.5"), ("io.grpc:protoc-gen-grpc-java", "1.83.0")];
/// The programs that cargo builds, and their versions.
const OF_CARGO: [(&str, &str); 2] = [("protoc-gen-prost", "0.5.0"), ("protoc-gen-tonic", "0.5.0")];

fn succeeded(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    ran
}

/// A folder with the programs of Maven Central.
fn programs_of_maven() -> PathBuf {
    let folder = tmp_dir().join("protoc-programs");
    fs::create_dir_all(&folder).unwrap();
    for (artifact, version) in OF_MAVEN {
        let program = folder.join(artifact.split_once(':').unwrap().1);
        let of_version = folder.join(format!("{}-{version}", program.display()));
        if !of_version.exists() {
            let scratch = temp_dir("protoc_program");
            let mut copy = java::maven();
            copy.args(["--batch-mode", "--quiet"]);
            copy.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy");
            copy.arg(format!("-Dartifact={artifact}:{version}:exe:{}", platform()));
            copy.arg(format!("-DoutputDirectory={}", scratch.display()));
            // There is no bound here: at its first run Maven fetches its plugins.
            let copied = copy.output().unwrap();
            assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stdout));
            let copied = fs::read_dir(&scratch).unwrap().next().unwrap().unwrap().path();
            fs::set_permissions(&copied, fs::Permissions::from_mode(0o755)).unwrap();
            fs::copy(&copied, &program).unwrap();
            fs::rename(copied, of_version).unwrap();
        }
    }
    folder
}

/// This machine in the names of Maven's programs.
fn platform() -> &'static str {
    match env::consts::ARCH {
        "aarch64" => "linux-aarch_64",
        _ => "linux-x86_64",
    }
}

/// The folders with the programs of cargo.
fn programs_of_cargo() -> Vec<PathBuf> {
    OF_CARGO
        .map(|(name, version)| {
            let mut tool = Command::new(".ci/tool");
            // There is no bound here: the first run builds the program.
            let built = tool.args([name, version]).output().unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            PathBuf::from(String::from_utf8(built.stdout).unwrap().trim_end())
        })
        .to_vec()
}

/// The folder that buf has generated, once for all tests of this process.
fn generated() -> &'static Path {
    static GENERATED: OnceLock<PathBuf> = OnceLock::new();
    GENERATED.get_or_init(|| {
        let out = temp_dir("client_generated");
        let page = Page::read(PAGE).blocks_in("console").concat();
        let command = "buf generate -o generated";
        assert!(page.contains(command), "{PAGE} has another command than {command}");
        let buf = env::current_dir().unwrap().join(packages("buf", ".ci/buf.txt")).join("bin/buf");
        let mut buf = Command::new(buf);
        buf.args(["generate", "-o", out.to_str().unwrap()]);
        let others: OsString = npm::path_with(&node::packages(), &path_with_go());
        let own = [programs_of_cargo(), vec![programs_of_maven()]].concat();
        buf.env("PATH", env::join_paths(own.into_iter().chain(env::split_paths(&others))).unwrap());
        buf.env("PYTHONPATH", python::libraries()).env("GOTOOLCHAIN", "local");
        succeeded(run_command(buf));
        out
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// The page names the programs in the versions with which this test runs.
#[test]
fn the_page_names_the_programs() {
    let page = fs::read_to_string(PAGE).unwrap();
    for (name, version) in OF_MAVEN.iter().chain(&OF_CARGO) {
        let name = name.split_once(':').map_or(*name, |(_, name)| name);
        let program = format!("`{name}` {version}");
        assert!(page.contains(&program), "{PAGE} does not name {program}");
    }
}

/// The text of a generated file, without the versions of the programs that made it.
fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let of_a_version = |line: &&str| line.starts_with("// \tprotoc");
    text.lines().filter(|line| !of_a_version(line)).collect::<Vec<_>>().join("\n")
}

/// The messages are those of the clients, and so the options in this file are right.
#[tokio::test]
async fn the_messages_are_those_of_the_clients() {
    let out = blocking(generated).await;
    for (ours, theirs) in [
        ("clients/go/identitylinkv1", "go/identitylinkv1"),
        ("clients/node/src/gen/identitylink/v1", "node/identitylink/v1"),
    ] {
        let files: Vec<_> = fs::read_dir(ours).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() > 7, "{files:?}");
        for file in files {
            let other = out.join(theirs).join(file.file_name().unwrap());
            assert!(text(&file) == text(&other), "{} is another", other.display());
        }
    }
}

#[tokio::test]
async fn a_go_program_compiles_with_them() {
    let compile = || {
        let folder = generated().join("go");
        for name in ["go.mod", "go.sum"] {
            fs::copy(format!("clients/go/{name}"), folder.join(name)).unwrap();
        }
        succeeded(run_command(go(folder.to_str().unwrap(), &["vet", "./..."])));
        assert!(folder.join("identitylinkv1/job_service_grpc.pb.go").is_file());
    };
    blocking(compile).await;
}

#[tokio::test]
async fn a_python_program_imports_them() {
    let import = || {
        let program = "from identitylink.v1 import transfer_service_pb2_grpc as a, job_service_pb2_grpc as b\n\
                       print(a.TransferServiceStub.__name__, b.JobServiceStub.__name__, a.__file__)\n";
        let mut command = Command::new("python3");
        let folders = [generated().join("python"), python::libraries()];
        command.args(["-c", program]).env("PYTHONPATH", env::join_paths(folders).unwrap());
        let said = succeeded(run_command(command)).stdout;
        let expected = "TransferServiceStub JobServiceStub ".to_owned();
        assert!(said.starts_with(&(expected + generated().to_str().unwrap())), "{said}");
    };
    blocking(import).await;
}

#[tokio::test]
async fn a_typescript_program_compiles_with_them() {
    let compile = || {
        let folder = node::project("client_generated_node");
        fs::write(folder.join("package.json"), r#"{"type": "module"}"#).unwrap();
        let link = folder.join("generated");
        std::os::unix::fs::symlink(generated().join("node"), link).unwrap();
        let program = "import { IdentityService } from \"./generated/identitylink/v1/identity_service_pb.js\";\n\
            export const called: string = IdentityService.method.getUser.name;\n";
        fs::write(folder.join("program.ts"), program).unwrap();
        let more = ["--noEmit", "--preserveSymlinks"];
        succeeded(run_command(node::tsc(
            &folder,
            &[&node::STRICT[..], &more, &["program.ts"]].concat(),
        )));
    };
    blocking(compile).await;
}

#[tokio::test]
async fn a_java_program_compiles_with_them() {
    let compile = || {
        let folder = generated().join("java");
        let out = temp_dir("client_generated_java");
        let program = out.join("Program.java");
        let text = "final class Program {\n\
            \x20   static String name = identitylink.v1.IdentityServiceGrpc.getGetUserMethod().getBareMethodName();\n\
            }\n";
        fs::write(&program, text).unwrap();
        let mut javac = Command::new("javac");
        javac.arg("-nowarn").arg("-cp").arg(java::libraries()).arg("-d").arg(&out);
        javac.arg("-sourcepath").arg(folder).arg(program);
        // The compiler reads some hundred classes.
        let compiled = javac.output().unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    };
    blocking(compile).await;
}

/// The modules are as the page has them.
#[tokio::test]
async fn a_rust_program_compiles_with_them() {
    let story = "tests/it/generated-rust";
    let program = fs::read_to_string(format!("{story}/main.rs")).unwrap();
    let [modules] = &Page::read(PAGE).blocks_in("rust")[..] else {
        panic!("{PAGE} has one block of Rust")
    };
    let here = modules.replace("\"../generated/rust/", "concat!(env!(\"GENERATED\"), \"/");
    let here = here.replace(".rs\")", ".rs\"))");
    assert!(program.contains(&here), "{here}");
    let compile = move || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--locked", "--manifest-path", &format!("{story}/Cargo.toml")]);
        cargo.arg("--target-dir").arg(tmp_dir().join("generated-rust"));
        cargo.env("GENERATED", generated().join("rust")).env("RUSTFLAGS", "-D warnings");
        // As long as the compiler takes: cargo has bounds of its own.
        let compiled = cargo.output().unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    };
    blocking(compile).await;
}
