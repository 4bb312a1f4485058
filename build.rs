//! Compiles the protos without `protoc`, checks that each rpc declares who may call it, and writes the descriptor
//! set, the access table and the gRPC code to `OUT_DIR`.

#[path = "build/access.rs"]
mod access;

use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 6] = [
    "identity/v1/access.proto",
    "identity/v1/errors.proto",
    "identity/v1/event_service.proto",
    "identity/v1/identity_service.proto",
    "identity/v1/resources.proto",
    "identity/v1/sign_in_service.proto",
];

#[expect(clippy::disallowed_methods, reason = "cargo passes parameters to a build script by its environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build");
    // A macro embeds the migrations, which cargo does not notice.
    println!("cargo:rerun-if-changed=migrations");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;

    let descriptor = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptor.bin"), &descriptor)?;
    fs::write(out.join("access_table.rs"), access::to_rust(&access::access_table(&descriptor)?))?;

    tonic_prost_build::configure()
        .codec_path("crate::grpc::codec::Codec")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
