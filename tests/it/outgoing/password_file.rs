//! The database's password in a file.

use std::{fs, path::Path, time::Duration};

use tokio::time::timeout;

use super::*;
use crate::support::{
    child::{Running, binary, run_command, temp_dir},
    cluster::{Database, cluster},
    server::config_toml,
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The `password_file` line of the `[database]` table.
fn with_file(toml: &str, file: &Path) -> String {
    let line = format!("[database]\npassword_file = \"{}\"\n", file.display());
    toml.replace("[database]\n", &line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_replaced_in_its_file_needs_no_restart() {
    let database = cluster().db_migrated().await;
    let role = database.db_role_with_password("first").await;
    let file = temp_dir(&role.name).join("password");
    fs::write(&file, "first\n").unwrap();
    let named = Database { url: role.url.clone(), ..database.clone() };
    let (mut child, address) = Running::serve(&named, |toml| with_file(&toml, &file));
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let service =
        Caller::new(channel.connect_lazy(), Some(Token::of("services", "backend").sign()));
    let user = service.create("github", "1").await;
    let end_connections = async || {
        let of_role = format!("WHERE usename = '{}'", role.name);
        database
            .db_texts(&format!(
                "SELECT pg_terminate_backend(pid, 10000)::text FROM pg_stat_activity {of_role}"
            ))
            .await;
    };
    let back = async || {
        let back = async { while service.get_user(get(&user.id)).await.is_err() {} };
        timeout(PATIENCE, back).await.expect("the server should connect again");
    };

    fs::write(&file, "second\n\n").unwrap();
    database.db_execute(&format!("ALTER ROLE {} PASSWORD 'second'", role.name)).await;
    end_connections().await;
    back().await;

    fs::remove_file(&file).unwrap();
    end_connections().await;
    // A connection is closed before no other one opens, and each reason is reported.
    child.stderr_until(|line| {
        line.contains("the database is unavailable: health")
            && line.contains("the file of the password cannot be read: No such file")
    });

    fs::write(&file, "second").unwrap();
    back().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let database = cluster().db_migrated().await;
    let role = database.db_role_with_password("first").await;
    let dir = temp_dir(&role.name);
    fs::write(dir.join("password"), "other\n").unwrap();
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), &role.url);
    fs::write(dir.join("config.toml"), with_file(&toml, &dir.join("password"))).unwrap();
    let mut command = binary(&["migrate", "--config", "config.toml"]);
    command.current_dir(&dir);

    let ran = run_command(command);

    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("password authentication failed"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("other"), "{}", ran.stderr);
}

/// A88: the path is not shown, which may be a password that was written in its place.
#[test]
fn a_password_file_that_cannot_be_used_is_a_problem() {
    let dir = temp_dir("outgoing_password");
    fs::write(dir.join("empty"), "\n").unwrap();
    fs::write(dir.join("good"), "sesame\n").unwrap();
    let check = |url: &str, file: &str| {
        let toml = config_toml("127.0.0.1:0".parse().unwrap(), url);
        fs::write(dir.join("config.toml"), with_file(&toml, Path::new(file))).unwrap();
        let mut command = binary(&["check-config", "--config", "config.toml"]);
        command.current_dir(&dir);
        let ran = run_command(command);
        assert!(!ran.stderr.contains("sesame"), "{}", ran.stderr);
        ran.stderr.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()
    };
    let url = "postgres://postgres@127.0.0.1:1/x";
    let with_password = "postgres://postgres:sesame@127.0.0.1:1/x";
    let problems = [
        check(url, "sesame"),
        check(url, "empty"),
        check(with_password, "good"),
        check(with_password, "empty"),
        check("nonsense://", "empty"),
    ];

    insta::assert_snapshot!(problems.concat(), @"
    line 3: database.password_file: names a file that cannot be read: No such file or directory (os error 2)
    line 3: database.password_file: names a file that is empty
    line 4: database.url: has a password beside password_file: remove one of the two
    line 3: database.password_file: names a file that is empty
    line 4: database.url: has a password beside password_file: remove one of the two
    line 3: database.password_file: names a file that is empty
    line 4: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
    ");
    assert_eq!(check(url, "good"), "");
}
