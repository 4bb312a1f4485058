//! The pages about an import, each with the samples as the reader's files and an empty tenant.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    commands::{DEPLOYED, Desk},
    pages::Page,
    shells::Shell,
};
use crate::{
    story::path_with_grpcurl,
    support::{
        child::{binary, temp_dir},
        cluster::{Database, cluster},
        debian,
    },
};

/// A sample, and what the page calls the reader's file.
type File = (&'static str, &'static str);

/// The pages, each with its files.
pub(super) const IMPORTS: [(&str, &[File]); 8] = [
    ("docs/how-to/import.md", &[]),
    ("docs/how-to/from-auth0.md", &[("auth0.ndjson", "users.ndjson")]),
    ("docs/how-to/from-firebase.md", &[("firebase-batchget.json", "users.json")]),
    ("docs/how-to/from-supabase.md", &[("supabase.ndjson", "users.ndjson")]),
    ("docs/how-to/from-keycloak.md", &[("keycloak-users-0.json", "realm/shop-users-0.json")]),
    ("docs/how-to/from-cognito.md", &[("cognito-list-users.json", "users.json")]),
    (
        "docs/how-to/from-your-tables.md",
        &[
            ("better-auth-user.csv", "user.csv"),
            ("better-auth-account.csv", "account.csv"),
            ("authjs-users.csv", "users.csv"),
            ("authjs-accounts.csv", "accounts.csv"),
            ("clerk-users.json", "clerk-users.json"),
            ("kratos-identities.json", "kratos-identities.json"),
            ("zitadel-export.json", "zitadel-export.json"),
            ("fusionauth-users-with-links.ndjson", "fusionauth-users.ndjson"),
            ("okta-users-with-idps.ndjson", "okta-users.ndjson"),
            ("allauth-dumpdata.json", "allauth.json"),
        ],
    ),
    (
        "docs/how-to/from-more-systems.md",
        &[
            ("logto-users.json", "logto-users.json"),
            ("supertokens-bulk.json", "supertokens.json"),
            ("aspnet-users.csv", "AspNetUsers.csv"),
            ("aspnet-accounts.csv", "accounts.csv"),
            ("gitlab-users.csv", "gitlab-users.csv"),
            ("gitlab-accounts.csv", "gitlab-accounts.csv"),
            ("discourse-users.csv", "discourse-users.csv"),
            ("discourse-accounts.csv", "discourse-accounts.csv"),
        ],
    ),
];

/// The configuration of the page for operators, with the tenants of this page.
fn configuration(page: &Page) -> String {
    let [base] = &Page::read(DEPLOYED[0]).blocks_in("toml")[..] else {
        panic!("{} has one configuration", DEPLOYED[0])
    };
    let parts = base.split("\n\n").filter(|part| !part.starts_with("[tenants."));
    let parts: Vec<String> = parts.map(str::to_owned).chain(page.blocks_in("toml")).collect();
    parts.join("\n\n")
}

/// Writes a program that runs the binary. What it says of refused rows is no failure of the page:
/// the samples have such rows, and the page shows what is printed.
fn write_program(folder: &Path) -> PathBuf {
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    let program = programs.join("identity-link");
    let binary = binary(&[]).get_program().to_str().unwrap().to_owned();
    let text = format!("#!/bin/sh\n'{binary}' \"$@\" 2>&1 || [ $? -eq 3 ]\n");
    fs::write(&program, text).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    programs
}

/// The commands of a page, each with what it prints if a block of text follows.
fn documented(page: &Page) -> Vec<(String, Option<String>)> {
    let blocks = page.blocks();
    let following = blocks.iter().skip(1).map(Some).chain([None]);
    let commands = blocks.iter().zip(following).filter(|(block, _)| block.language == "sh");
    let printed = commands.map(|(block, next)| {
        let output = next.filter(|next| next.language == "text");
        (block.text.clone(), output.map(|next| next.text.trim().to_owned()))
    });
    printed.collect()
}

/// Goes through one page, and compares what the commands print with what it shows.
fn go_through(shell: Shell, (path, files): (&str, &[File]), database: &Database) {
    let page = Page::read(path);
    let folder = temp_dir(&format!("documents_{}_{shell:?}", database.name));
    fs::write(folder.join("identity-link.toml"), configuration(&page)).unwrap();
    for (sample, name) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(Path::new("tests/it/import/samples").join(sample), file).unwrap();
    }
    let mut programs = write_program(&folder).into_os_string();
    programs.push(":");
    programs.push(path_with_grpcurl());
    let desk = Desk {
        shell,
        folder,
        environment: vec![
            ("PATH", programs),
            ("IDENTITY_LINK__DATABASE__URL", (&database.url).into()),
        ],
        names: Vec::new(),
    };

    let said = desk.go_through(&page);

    for (said, (command, output)) in said.iter().zip(documented(&page)) {
        assert_eq!(said.command.text, command);
        if let Some(output) = output {
            assert!(
                said.printed == output,
                "{path}: this command prints\n{}\n\nnot\n{output}\n\n{command}",
                said.printed
            );
        }
    }
}

async fn go_through_all(shell: Shell) {
    if !shell.is_installed() {
        return;
    }
    debian::program(&["jq"]);
    for page in IMPORTS {
        go_through(shell, page, &cluster().db_migrated().await);
    }
}

#[tokio::test]
async fn each_command_of_an_import_works_in_bash() {
    go_through_all(Shell::Bash).await;
}

#[tokio::test]
async fn each_command_of_an_import_works_in_zsh() {
    go_through_all(Shell::Zsh).await;
}
