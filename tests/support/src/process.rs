//! What the kernel reports about processes (proc(5)).

use std::fs;

/// How many ticks a second has: `USER_HZ`, which Linux reports times in.
const TICKS: f64 = 100.0;

/// The times of one process, in seconds of CPU.
struct Times {
    parent: u32,
    own: f64,
    /// Of its children that have ended.
    ended_children: f64,
}

fn times(pid: u32) -> Option<Times> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap() / TICKS;
    Some(Times {
        parent: fields[1].parse().ok()?,
        own: ticks(11) + ticks(12),
        ended_children: ticks(13) + ticks(14),
    })
}

/// The CPU time of this process so far, in seconds.
pub fn cpu(pid: u32) -> f64 {
    times(pid).map_or(0.0, |times| times.own)
}

/// The CPU time of this process and its children so far, in seconds.
pub fn cpu_with_children(pid: u32) -> f64 {
    let first = times(pid).map_or(0.0, |times| times.own + times.ended_children);
    let names = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    let pids = names.filter_map(|name| name.to_str()?.parse().ok());
    let children = pids.filter_map(times).filter(|times| times.parent == pid);
    first + children.map(|times| times.own).sum::<f64>()
}

/// The CPU time of the children of this process that have ended, in seconds.
pub fn cpu_of_ended_children(pid: u32) -> f64 {
    times(pid).map_or(0.0, |times| times.ended_children)
}

/// A number of `/proc/…/status`, such as `VmRSS`, in MiB.
pub fn memory(pid: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
