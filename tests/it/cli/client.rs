//! The commands for people, through the built binary: on a server by its address, and on its database by
//! its configuration.

mod asked;
mod changing;
mod reading;
mod refused;
mod secret;
mod watching;

use std::{fs, path::PathBuf};

use identity_link::grpc::proto as pb;

use crate::support::{
    TestServer,
    child::{Ran, binary, config_file, run_command, temp_dir},
    tokens::Token,
};

/// A person beside a server, with a token of a service and with the configuration.
struct Desk {
    server: TestServer,
    token: PathBuf,
    config: PathBuf,
}

/// How a command reaches the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Server,
    Database,
}

const WAYS: [Way; 2] = [Way::Server, Way::Database];

impl Desk {
    async fn start(name: &str) -> Self {
        Self::beside(TestServer::start().await, name)
    }

    fn beside(server: TestServer, name: &str) -> Self {
        let folder = temp_dir(&format!("people_{name}"));
        let (token, config) = (folder.join("token"), folder.join("serve.toml"));
        fs::write(&token, Token::of("services", "desk").sign()).unwrap();
        fs::copy(config_file(&server.database, |toml| toml), &config).unwrap();
        Self { server, token, config }
    }

    /// The arguments that name the way.
    fn way(&self, way: Way) -> Vec<String> {
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        match way {
            Way::Server => vec![
                "--server".to_owned(),
                format!("http://{}", self.server.address),
                "--token-file".to_owned(),
                path(&self.token),
            ],
            Way::Database => vec![
                "--config".to_owned(),
                path(&self.config),
                "--tenant".to_owned(),
                "default".to_owned(),
            ],
        }
    }

    fn command(&self, way: Way, arguments: &[&str]) -> std::process::Command {
        let mut command = binary(arguments);
        command.args(self.way(way));
        command
    }

    fn run(&self, way: Way, arguments: &[&str]) -> Ran {
        run_command(self.command(way, arguments))
    }

    /// What a command prints that succeeds.
    #[track_caller]
    fn says(&self, way: Way, arguments: &[&str]) -> String {
        let ran = self.run(way, arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{way:?} {arguments:?}");
        ran.stdout
    }

    /// Creates a user whose id is its account, with this email, verified or not.
    async fn create(&self, provider: &str, subject: &str, email: &str, email_verified: bool) {
        let with = |request: &mut pb::CreateUserRequest| {
            request.set_user_id_form(pb::UserIdForm::ProviderSubject);
            let identity = request.identity.as_mut().unwrap();
            (identity.email, identity.email_verified) = (email.to_owned(), email_verified);
        };
        self.server.service().create_with(provider, subject, with).await;
    }

    /// Two users, the second of which has metadata.
    async fn two(&self) {
        self.create("github", "ann", "ann@example.com", true).await;
        self.create("sms", "+15550100", "", false).await;
        let mut user_metadata = prost_types::Struct::default();
        let red = prost_types::Value::from("red");
        user_metadata.fields.insert("color".to_owned(), red);
        let update = pb::UserUpdate { user_metadata: Some(user_metadata), ..Default::default() };
        let request = pb::UpdateUserRequest {
            user_id: "sms|+15550100".to_owned(),
            update: Some(update),
            update_mask: Some(prost_types::FieldMask { paths: vec!["user_metadata".to_owned()] }),
            ..Default::default()
        };
        self.server.service().update_user(request).await.unwrap();
    }
}

/// The text with the same stand-ins, as wide as they are, for all times and UUIDs.
fn settled(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ['-', ':', '.'].contains(&c);
    let mut settled = String::new();
    for word in text.split_inclusive(|c| !is_part(c)) {
        let (name, behind) = word.split_at(word.trim_end_matches(|c| !is_part(c)).len());
        let is_time = name.len() >= 20 && name.ends_with('Z') && name.starts_with("20");
        settled.push_str(match name {
            _ if is_time => "2026-12-01T00:00:00Z",
            _ if uuid::Uuid::try_parse(name).is_ok() => "00000000-0000-0000-0000-000000000000",
            name => name,
        });
        settled.push_str(behind);
    }
    settled
}
