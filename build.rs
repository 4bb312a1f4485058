//! Checks that each rpc of the protos declares who may call it, and writes the access table to
//! `OUT_DIR`. Hands the commit over to `src/version.rs`.

#[path = "build/access.rs"]
mod access;
#[path = "build/commit.rs"]
mod commit;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use commit::Commit;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    // A macro embeds the migrations, which cargo does not notice.
    println!("cargo::rerun-if-changed=migrations");

    // From the build of identity-link-proto, by the `links` of its manifest.
    let descriptor =
        variable("DEP_IDENTITY_LINK_PROTO_DESCRIPTOR").ok_or("there is no descriptor")?;
    println!("cargo::rerun-if-changed={descriptor}");
    let table = access::access_table(&fs::read(descriptor)?)?;
    let out = variable("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(PathBuf::from(out).join("access_table.rs"), access::to_rust(&table))?;

    let Commit { id, seconds } = commit();
    println!("cargo::rustc-env=IDENTITY_LINK_BUILT_COMMIT={id}");
    println!("cargo::rustc-env=IDENTITY_LINK_BUILT_SECONDS={seconds}");
    Ok(())
}

/// The commit of the sources. A build from an archive or in an image, which has no git, names it by
/// variables. What is unknown is empty: a build never fails for the lack of it.
fn commit() -> Commit {
    for name in ["IDENTITY_LINK_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let seconds = variable("SOURCE_DATE_EPOCH").unwrap_or_default();
    if let Some(name) = variable("IDENTITY_LINK_COMMIT") {
        return Commit { id: commit::short(&name), seconds };
    }
    let folder = Path::new(".");
    let Some(commit) = commit::checked_out(folder) else {
        return Commit { id: String::new(), seconds };
    };
    let heads = commit::heads(folder);
    for changing in heads.iter().map(PathBuf::as_path).chain(commit::SOURCES.map(Path::new)) {
        println!("cargo::rerun-if-changed={}", changing.display());
    }
    commit
}

/// A variable of one line, which is not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes parameters to a build script by its environment"
)]
fn variable(name: &str) -> Option<String> {
    let text = env::var(name).ok()?;
    Some(text.lines().next()?.trim().to_owned()).filter(|text| !text.is_empty())
}
