//! Compiles the protos without `protoc`, and writes the descriptor set and the code to `OUT_DIR`.

use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 8] = [
    "identitylink/v1/access.proto",
    "identitylink/v1/errors.proto",
    "identitylink/v1/event_service.proto",
    "identitylink/v1/identity_service.proto",
    "identitylink/v1/job_service.proto",
    "identitylink/v1/resources.proto",
    "identitylink/v1/sign_in_service.proto",
    "identitylink/v1/transfer_service.proto",
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes parameters to a build script by its environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=google");
    println!("cargo::rerun-if-changed=identitylink");

    let descriptor = PathBuf::from(env::var("OUT_DIR")?).join("descriptor.bin");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;
    // Encoded by the compiler: the typed form of prost drops extensions, and with them who may call
    // an rpc.
    fs::write(&descriptor, compiler.encode_file_descriptor_set())?;
    println!("cargo::metadata=descriptor={}", descriptor.display());

    // The comments of googleapis have links and examples that rustdoc cannot read.
    let mut files = compiler.file_descriptor_set();
    for file in &mut files.file {
        if file.package().starts_with("google.") {
            file.source_code_info = None;
        }
    }
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
