//! Checks that each rpc of the protos declares who may call it, and writes the access table to
//! `OUT_DIR`.

#[path = "build/access.rs"]
mod access;

use std::{env, error::Error, fs, path::PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes parameters to a build script by its environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    // A macro embeds the migrations, which cargo does not notice.
    println!("cargo::rerun-if-changed=migrations");

    // From the build of identity-link-proto, by the `links` of its manifest.
    let descriptor = env::var("DEP_IDENTITY_LINK_PROTO_DESCRIPTOR")?;
    println!("cargo::rerun-if-changed={descriptor}");
    let table = access::access_table(&fs::read(descriptor)?)?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("access_table.rs"),
        access::to_rust(&table),
    )?;
    Ok(())
}
