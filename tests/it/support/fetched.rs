//! Folders that are fetched once, and again when other versions are required.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

/// The folder for what these files require: another one when one of them changes.
pub fn fetched_dir(name: &str, files: &[&str]) -> PathBuf {
    let texts: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
    let version = HEXLOWER.encode(digest(&SHA256, &texts).as_ref());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", &version[..12]))
}
