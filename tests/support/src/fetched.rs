//! Folders of downloads, one per version of the files that name them.

use std::{fs, path::PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

/// The folder for the downloads that these files name; a change of a file leads to another folder.
pub fn fetched_dir(name: &str, files: &[&str]) -> PathBuf {
    let texts: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
    let version = HEXLOWER.encode(digest(&SHA256, &texts).as_ref());
    super::artifacts::tmp_dir().join(format!("{name}-{}", &version[..12]))
}
