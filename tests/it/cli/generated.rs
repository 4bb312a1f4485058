//! What is made from the arguments: completions, man pages and help.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
};

use rustix::process::Signal;

use super::*;
use crate::support::{artifacts, child::Running};

/// The commands that help lists, those of a command that has some included.
fn commands() -> Vec<String> {
    let listed = listed_below(&[]).into_iter().flat_map(|name| {
        let below = listed_below(&[&name]);
        match below.is_empty() {
            true => vec![name],
            false => below.iter().map(|below| format!("{name} {below}")).collect(),
        }
    });
    listed.collect()
}

fn listed_below(command: &[&str]) -> Vec<String> {
    let help = run(&[command, &["--help"]].concat()).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // The text of a command may go on in further lines, which are indented more.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    names
        .map(|(name, _)| name.to_owned())
        .filter(|name| !["", "help"].contains(&name.as_str()))
        .collect()
}

/// The completion script of a shell, in a folder of its own.
fn script(shell: &str, name: &str) -> PathBuf {
    let ran = run(&["completions", shell]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let folder = temp_dir(&format!("completions_{shell}"));
    fs::write(folder.join(name), ran.stdout).unwrap();
    folder
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = script("bash", "script");
    let completed = |words: &[&str]| {
        let mut bash = Command::new("bash");
        let program = "source ./script; COMP_WORDS=(identity-link \"$@\"); COMP_CWORD=$#\n\
            function=$(complete -p identity-link | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
            $function identity-link \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n\
            echo \"${COMPREPLY[*]}\"";
        bash.args(["--norc", "-c", program, "bash"]).args(words).current_dir(&folder);
        run_command(bash).stdout
    };

    assert_eq!(completed(&["ser"]), "serve");
    assert_eq!(completed(&["purge", "--"]), "--config --keep-discarded --help");
    assert_eq!(completed(&["completions", "z"]), "zsh");
    // A file.
    fs::write(folder.join("identity-link.toml"), "").unwrap();
    assert_eq!(completed(&["serve", "--config", "identity-"]), "identity-link.toml");
}

/// Types lines into an interactive zsh, a tab after each, and prints what they are then.
const TYPED_INTO_ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=(\$PWD \$fpath); autoload -U compinit; compinit -u -D"
zpty -w shell "typed() { print -r -- \"[\$BUFFER]\" >> typed; BUFFER= }; zle -N typed; bindkey '^G' typed"
for line in "$@"; do zpty -w -n shell "$line"$'\t\a'; done
zpty -w shell exit
while zpty -r shell > output; do done
cat typed
"#;

#[test]
fn zsh_completes_commands_and_options() {
    let mut which = Command::new("sh");
    which.args(["-c", "command -v zsh"]);
    if run_command(which).code != Some(0) {
        return;
    }
    let folder = script("zsh", "_identity-link");
    let mut path = artifacts::service().parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c", TYPED_INTO_ZSH, "zsh"]).current_dir(folder).env("PATH", path);
    zsh.args(["identity-link ser", "identity-link purge --keep", "identity-link completions z"]);
    insta::assert_snapshot!(run_command(zsh).stdout, @"
        [identity-link serve ]
        [identity-link purge --keep-discarded=]
        [identity-link completions zsh ]
    ");
}

#[test]
fn fish_gets_a_script_too() {
    let folder = script("fish", "identity-link.fish");
    let script = fs::read_to_string(folder.join("identity-link.fish")).unwrap();
    assert!(script.contains("complete -c identity-link"), "{script}");
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let folder = temp_dir("man").join("man1");
    let ran = run(&["man", folder.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));

    let page = |name: &str| fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
    assert!(page("identity-link").contains("identity\\-link\\-serve(1)"));
    for command in commands() {
        let page = page(&format!("identity-link-{}", command.replace(' ', "-")));
        for part in [".SH OPTIONS", ".SH EXAMPLES", ".SH \"EXIT STATUS\"\n.TP\n.B "] {
            assert!(page.contains(part), "{command}: {page}");
        }
    }
    // Programs that read such pages have nothing to object to.
    for reader in [
        "man --warnings --local-file --encoding=utf8 \"$0\" 2>&1 >/dev/null",
        "mandoc -T lint -W warning \"$0\"",
    ] {
        let name = reader.split(' ').next().unwrap();
        for file in fs::read_dir(&folder).unwrap() {
            let mut sh = Command::new("sh");
            sh.args(["-c", &format!("! command -v {name} >/dev/null || {reader}")]);
            let ran = run_command({
                sh.arg(file.unwrap().path());
                sh
            });
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{reader}");
        }
    }
}

/// The exit codes that the help of a command names.
fn named(command: &str) -> BTreeSet<i32> {
    let mut words = Vec::from_iter(command.split(' '));
    words.push("--help");
    let help = run(&words).stdout;
    let lines = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// Those of `dev` that need a database of its own are in dev.rs.
#[tokio::test]
async fn help_names_the_exit_codes_that_each_command_has() {
    let database = cluster().db_migrated().await;
    let dir = folder_with("exit_codes", &good_toml(&database));
    fs::write(dir.join("wrong.toml"), "").unwrap();
    fs::write(dir.join("away.toml"), good_toml(&nowhere())).unwrap();
    ensure_keys(&dir.join(".identity-link")).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--listen {}", taken.local_addr().unwrap());
    let mut met: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    let mut meet = |command: &'static str, arguments: &str| {
        let mut sh = Command::new("sh");
        sh.args(["-c", &format!("exec \"$0\" {command} {arguments}")]).arg(artifacts::service());
        sh.current_dir(&dir).env_remove("IDENTITY_LINK_CONFIG");
        met.entry(command).or_default().insert(run_command(sh).code.unwrap());
    };
    for command in commands() {
        meet(command.leak(), "--no-such-option");
    }
    fs::write(dir.join("ids.txt"), "usr_none").unwrap();
    let import = "--from neutral --tenant other users.ndjson";
    let moving =
        "--tenant other --provider github --from-issuer https://old.example.com --to-issuer";
    fs::write(dir.join("users.ndjson"), "").unwrap();
    fs::write(dir.join("wrong.ndjson"), "{}").unwrap();
    let header =
        "{\"plan\":\"0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10\",\"form\":1,\"tenant\":\"other\"}\n";
    let user = |id: &str| format!("{{\"id\":\"{id}\",\"version\":1}}");
    let cluster = format!(
        "{{\"primary\":{},\"secondaries\":[{}],\"evidence\":[]}}\n",
        user("none"),
        user("nobody")
    );
    fs::write(dir.join("plan.ndjson"), header).unwrap();
    fs::write(dir.join("clusters.ndjson"), header.to_owned() + &cluster).unwrap();
    for command in [
        "serve",
        "migrate",
        "purge",
        "export",
        "duplicates",
        "looks",
        "doctor",
        "config check",
        "provider list",
    ] {
        meet(command, "");
        meet(command, "--config wrong.toml");
    }
    for command in ["serve", "migrate", "purge", "doctor"] {
        meet(command, "--config away.toml");
    }
    for command in ["migrate", "purge", "doctor", "config check"] {
        meet(command, "--config config.toml");
    }
    for (command, arguments) in [
        ("config check", "--config config.toml > /dev/full"),
        ("completions", "bash"),
        ("completions", "bash > /dev/full"),
        ("config example", ""),
        ("config example", "> /dev/full"),
        ("config schema", ""),
        ("config schema", "> /dev/full"),
        ("dev", &taken),
        ("dev", "--listen 127.0.0.1:0 --demo-listen 0.0.0.0:0"),
        ("import", "--config wrong.toml --from neutral users.ndjson"),
        ("import", &format!("--config away.toml {import}")),
        ("import", &format!("--config config.toml {import}")),
        ("import", "--config config.toml --from neutral --tenant other wrong.ndjson"),
        ("apply", "--config wrong.toml plan.ndjson"),
        ("apply", "--config away.toml --tenant other plan.ndjson"),
        ("apply", "--config config.toml --tenant other plan.ndjson"),
        ("apply", "--config config.toml --tenant other absent.ndjson"),
        ("apply", "--config config.toml --tenant other clusters.ndjson"),
        ("undo", "--config wrong.toml --plan 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10"),
        ("undo", "--config away.toml --tenant other --plan 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10"),
        ("undo", "--config config.toml --tenant other --plan 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10"),
        ("undo", "--config config.toml --tenant other 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10"),
        ("find", "--config wrong.toml x"),
        ("find", "--config config.toml --tenant other x"),
        ("user", "--config wrong.toml x"),
        ("user", "--config config.toml --tenant other x"),
        ("links", "--config wrong.toml"),
        ("links", "--config away.toml --tenant other"),
        ("links", "--config config.toml --tenant other"),
        ("link", "--config wrong.toml x y"),
        ("link", "--config config.toml --tenant other x y"),
        ("unlink", "--config wrong.toml x 'sms|1'"),
        ("unlink", "--config config.toml --tenant other x 'sms|1'"),
        ("resolve", "--config wrong.toml x"),
        ("resolve", "--config away.toml --tenant other x"),
        ("resolve", "--config config.toml --tenant other x"),
        ("watch", "--config wrong.toml"),
        ("watch", "--config config.toml --tenant other --from x"),
        ("duplicates", "--config away.toml --tenant other"),
        ("duplicates", "--config config.toml --tenant other"),
        ("export", "--config away.toml --tenant other"),
        ("export", "--config config.toml --tenant other"),
        ("export", "--config config.toml --tenant other --ids ids.txt"),
        ("looks", "--config away.toml --tenant other"),
        ("looks", "--config config.toml --tenant other"),
        ("erase", "--config wrong.toml --ids ids.txt"),
        ("erase", "--config away.toml --tenant other --ids ids.txt"),
        ("erase", "--config config.toml --tenant other --ids ids.txt"),
        ("erase", "--config config.toml --tenant other --ids users.ndjson"),
        ("provider list", "--config away.toml --tenant other"),
        ("provider list", "--config config.toml --tenant other"),
        ("provider move", &format!("--config wrong.toml {moving} https://new.example.com")),
        ("provider move", &format!("--config config.toml {moving} https://github.example.com")),
        ("man", "pages"),
        ("man", "config.toml"),
        ("token", "--service backend"),
        ("token", "--service backend --tenant nobody"),
        ("version", ""),
        ("version", "> /dev/full"),
    ] {
        meet(command, arguments);
    }
    let (serving, _) = Running::serve(&database, |toml| toml);
    serving.signal(Signal::TERM);
    met.get_mut("serve").unwrap().insert(serving.finish().code.unwrap());

    for (command, mut met) in met {
        // Signals are in tests of their own, and so is what needs a running server.
        let elsewhere: &[i32] = match command {
            "dev" => &[0, 130],
            "health" => &[0, 1, 64],
            // Links that cannot be undone: `plans::undo`. A question: `cli::client`.
            "undo" => &[3, 4, 130],
            // What is there, and what is asked: `cli::client`.
            "find" | "user" => &[0],
            "link" | "unlink" => &[0, 4],
            "watch" => &[130],
            "serve" | "purge" | "export" | "import" | "duplicates" | "apply" | "erase"
            | "looks" => &[130],
            // A provider that has moved is in provider_move.rs.
            "provider move" => &[0, 3, 130],
            _ => &[],
        };
        met.extend(elsewhere);
        assert_eq!(named(command), met, "{command}");
    }
}

#[test]
fn the_environment_names_the_configuration_if_no_option_does() {
    let dir = folder_with("config_variable", &good_toml(&nowhere()));
    let check = |arguments: &[&str], variable: Option<&str>| {
        let mut command = binary(&[&["config", "check"], arguments].concat());
        command.current_dir(&dir).env_remove("IDENTITY_LINK_CONFIG");
        command.envs(variable.map(|file| ("IDENTITY_LINK_CONFIG", file)));
        let ran = run_command(command);
        format!("{} {}{}", ran.code.unwrap(), ran.stdout, ran.stderr)
    };

    assert_eq!(check(&[], Some("config.toml")), "0 the configuration is valid");
    assert_eq!(
        check(&["--config", "config.toml"], Some("other.toml")),
        "0 the configuration is valid"
    );
    insta::assert_snapshot!(check(&[], Some("other.toml")), @"
        64 identity-link: other.toml:
        cannot be read: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(check(&[], None), @"2 identity-link: there is no configuration: name its file by --config FILE, or by IDENTITY_LINK_CONFIG in the environment");
}
