//! System calls of a server, counted by `perf`.

use std::process::{Child, Command, Stdio};

/// A count that runs.
pub(super) struct Count(Child);

impl Count {
    /// Counts for so many seconds; `None` without `perf`.
    pub(super) fn begin(pid: u32, seconds: f64) -> Option<Self> {
        let mut command = Command::new("perf");
        command.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &pid.to_string()]);
        command.args(["--", "sleep", &seconds.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().ok().map(Self)
    }

    /// The count; `None` if `perf` may not count.
    pub(super) fn end(self) -> Option<f64> {
        let output = self.0.wait_with_output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().find(|line| line.contains("raw_syscalls"))?;
        line.split(',').next()?.parse().ok()
    }
}
