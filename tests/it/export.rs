//! `identity-link export` writes users as lines of JSON.

mod files;
mod lines;
mod running;
mod since;

use std::process::Command;

use serde_json::Value;

use crate::support::{
    child::{Ran, binary, config_file, run_command},
    cluster::Database,
};

/// `export` on this database.
fn export(database: &Database, arguments: &[&str]) -> Command {
    let file = config_file(database, |toml| toml);
    binary(&[&["export", "--config", file.to_str().unwrap()], arguments].concat())
}

/// Runs `export` to its good end. Returns its lines, and the position that it printed.
fn exported(database: &Database, arguments: &[&str]) -> (Vec<String>, String) {
    let Ran { code, stdout, stderr } = run_command(export(database, arguments));
    assert_eq!(code, Some(0), "{stderr}");
    let [line] = &stderr.lines().collect::<Vec<_>>()[..] else { panic!("{stderr}") };
    let (said, position) = line.split_once("; position: ").unwrap();
    let lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    assert!(said.contains(&format!(": wrote {} users", lines.len())), "{said}");
    (lines, position.to_owned())
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// The ids of lines, in their order.
fn ids(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| json(line)["id"].as_str().unwrap().to_owned()).collect()
}

/// A line with `T` for each time. Panics if a time has another form than that of the page.
fn without_times(line: &str) -> String {
    let mut parts = line.split("_time\":\"");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (time, rest) = part.split_once('"').unwrap();
        let is_time = time.len() == "2026-03-04T05:06:07.089000Z".len() && time.ends_with('Z');
        assert!(is_time, "{time}");
        text.push_str(&format!("_time\":\"T\"{rest}"));
    }
    text
}
