//! What runs the service elsewhere: the image, the chart, the composition, and the unit of systemd.
//! No container engine and no cluster is needed.

mod chart;
mod compose;
mod image;
mod unit;

use std::path::PathBuf;

use crate::support::python;

/// The folder with the tools of these tests.
fn packages() -> PathBuf {
    python::packages("deploy", "tests/it/deploy/requirements.txt")
}

/// Runs Python with these arguments and tools, and returns what it wrote to stdout.
fn python(arguments: &[&str]) -> String {
    python::python(&[&packages()], arguments)
}
