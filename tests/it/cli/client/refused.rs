//! Arguments that do not fit together, and servers that cannot be asked.

use std::fs;

use super::{Desk, Way};
use crate::support::{
    TestServer,
    child::{Ran, binary, run, run_command, temp_dir},
    tls::{Authority, TlsClient},
};

/// The exit code, and the first line of stderr.
fn said(Ran { code, stdout, stderr }: Ran) -> String {
    assert_eq!(stdout, "");
    format!("{} {stderr}", code.unwrap())
}

#[test]
fn a_command_needs_one_place_and_what_belongs_to_it() {
    let file = temp_dir("people_places").join("token");
    fs::write(&file, "token").unwrap();
    let token = file.to_str().unwrap();
    let lines = [
        &["user", "x"][..],
        &["user", "x", "--server", "http://127.0.0.1:1"],
        &["user", "x", "--server", "http://identity.example.com", "--token-file", token],
        &["user", "x", "--server", "identity.example.com", "--token-file", token],
        &["user", "x", "--server", "https://me@identity.example.com", "--token-file", token],
        &["user", "x", "--config", "/nowhere.toml"],
        &[
            "user",
            "x",
            "--server",
            "https://a.example",
            "--token-file",
            token,
            "--ca",
            "/nowhere.pem",
        ],
        &["user", "x", "--server", "https://a.example", "--token-file", token, "--tenant", "a\nb"],
        &["unlink", "x", "no account", "--server", "http://127.0.0.1:1", "--token-file", token],
        &[
            "undo",
            "--plan",
            "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10",
            "--server",
            "http://127.0.0.1:1",
            "--token-file",
            token,
        ],
        &["undo", "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10", "--report", "r", "--config", "x"],
        &["watch", "--kind", "wedding", "--server", "http://127.0.0.1:1", "--token-file", token],
    ]
    .map(|arguments| said(run(arguments)));
    insta::assert_snapshot!(lines.join("\n"), @"
        2 identity-link: name the server by --server URL, or the configuration of its database by --config FILE
        2 identity-link: a server wants a token: name its file by --token-file FILE, or a command that prints it by --token-command COMMAND
        64 identity-link: --server: http:// to another machine shows the token to those who read the network: use https://, or allow it by --plaintext
        64 identity-link: --server: the address of the server has no scheme: write https:// in front of it, or http:// for a server on this machine
        64 identity-link: --server: the address of the server has a user in front of the host: leave it out, since the token says who calls
        64 identity-link: /nowhere.toml:
        cannot be read: No such file or directory (os error 2)
        64 identity-link: --ca: /nowhere.pem: No such file or directory (os error 2)
        64 identity-link: --tenant: must be the name of a tenant
        2 identity-link: an account must be PROVIDER|SUBJECT, in quotes: a shell reads | otherwise
        2 identity-link: undo of many links works on the database: name it by --config
        64 identity-link: --report: is for many links: --output json shows this one
        2 identity-link: --kind: wedding is no kind of event, such as user-linked
    ");

    // What clap refuses itself: its first line says which two exclude each other.
    let lines = [
        &["user", "x", "--server", "https://a.example", "--config", "x.toml"][..],
        &[
            "user",
            "x",
            "--server",
            "https://a.example",
            "--token-file",
            "a",
            "--token-command",
            "b",
        ],
        &["user", "x", "--config", "x.toml", "--token-file", token],
        &["user", "x", "--config", "x.toml", "--ca", token],
        &["link", "x", "y", "--config", "x.toml", "--yes", "--dry-run"],
        &["undo", "--config", "x.toml"],
        &[
            "undo",
            "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10",
            "--by-rule",
            "automatic",
            "--config",
            "x.toml",
        ],
        &[
            "undo",
            "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10",
            "--since",
            "2026-12-01T08:00:00Z",
            "--config",
            "x.toml",
        ],
    ]
    .map(|arguments| said(run(arguments)).lines().next().unwrap().to_owned());
    insta::assert_snapshot!(lines.join("\n"), @"
        2 error: the argument '--server <URL>' cannot be used with '--config <FILE>'
        2 error: the argument '--token-file <FILE>' cannot be used with '--token-command <COMMAND>'
        2 error: the argument '--config <FILE>' cannot be used with '--token-file <FILE>'
        2 error: the argument '--config <FILE>' cannot be used with '--ca <FILE>'
        2 error: the argument '--yes' cannot be used with '--dry-run'
        2 error: the following required arguments were not provided:
        2 error: the argument '[LINK]' cannot be used with '--by-rule <RULE>'
        2 error: the argument '[LINK]' cannot be used with '--since <TIME>'
    ");
}

/// A variable that names a configuration excludes no server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_variable_counts_where_nothing_else_is_named() {
    let desk = Desk::start("variable").await;
    desk.two().await;
    for (arguments, file) in [
        (desk.way(Way::Server), "/nowhere.toml".into()),
        (vec!["--tenant".to_owned(), "default".to_owned()], desk.config.clone()),
    ] {
        let mut command = binary(&["user", "github|ann"]);
        command.args(&arguments).env("IDENTITY_LINK_CONFIG", file);
        let ran = run_command(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_or_refuses_the_token_is_reported() {
    let desk = Desk::start("unreachable").await;
    let token = desk.token.to_str().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{closed}");
    let lines = [run(&["user", "x", "--server", &gone, "--token-file", token])];
    fs::write(&desk.token, "not.a.token").unwrap();
    let refused = desk.run(Way::Server, &["user", "x"]);
    fs::write(&desk.token, "two words").unwrap();
    let garbled = desk.run(Way::Server, &["user", "x"]);
    fs::remove_file(&desk.token).unwrap();
    let missing = desk.run(Way::Server, &["user", "x"]);
    let said: Vec<String> =
        lines.into_iter().chain([refused, garbled, missing]).map(said).collect();
    let said = said.join("\n").replace(token, "TOKEN").replace(&gone, "SERVER");
    insta::assert_snapshot!(said, @"
        1 identity-link: Unavailable: there is no connection: Connection refused (os error 111); no server at SERVER has answered yet: check the address, and write https:// if the server speaks TLS
        no server answered: check --server, and --ca if its certificate is of an authority of your own
        1 identity-link: TOKEN_INVALID: the bearer token was not accepted: get a new one from a trusted issuer
        --token-file or --token-command must give a token of a service that the server trusts
        1 identity-link: there is no token: the token is no bearer token: it is empty, or has characters beside those of RFC 6750
        1 identity-link: there is no token: TOKEN: No such file or directory (os error 2)
    ");
}

/// S23: a server proves itself by the authority that the person names, and by no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_verified_by_the_authority_that_is_named() {
    let (folder, own, other) =
        (temp_dir("people_authorities"), Authority::new("own"), Authority::new("other"));
    own.issue().write(&folder);
    let files = [("own.pem", &own), ("other.pem", &other)].map(|(name, authority)| {
        let path = folder.join(name);
        fs::write(&path, authority.pem()).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let client = TlsClient::new(&own, None);
    let server = TestServer::start_tls(&folder, &client, |_| {}).await;
    let desk = Desk::beside(server, "tls");
    desk.two().await;
    let address = format!("https://localhost:{}", desk.server.address.port());
    let token = desk.token.to_str().unwrap().to_owned();
    let run_by = |ca: Option<&String>| {
        let mut command =
            binary(&["user", "github|ann", "--server", &address, "--token-file", &token]);
        if let Some(ca) = ca {
            command.args(["--ca", ca]);
        }
        run_command(command)
    };
    let [named, wrong, systems] = [Some(&files[0]), Some(&files[1]), None].map(run_by);
    assert_eq!((named.code, named.stderr.as_str()), (Some(0), ""));
    for refused in [wrong, systems] {
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("no server answered"), "{}", refused.stderr);
    }
}
