//! TLS: which certificates are trusted, and certificates that change while the server runs.

use std::{fs, os::unix::fs::symlink};

use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;

use super::{SOON, while_attacked};
use crate::support::{
    child::{Running, binary, run_command, temp_dir},
    cluster::cluster,
    frames::Peer,
    tls::*,
    tokens::Token,
    *,
};

fn backend() -> Option<String> {
    Some(Token::of("services", "backend").sign())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_over_tls_to_clients_that_trust_the_authority() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&database.name);
    let (ours, stranger) = (Authority::new("ours"), Authority::new("stranger"));
    ours.issue().write(&dir);
    let server = TestServer::start_with(database, |toml| toml + &tls_toml(&dir)).await;

    let client = TlsClient::new(&ours, None);
    let service = Caller::new(client.channel(server.address), backend());
    let user = service.create("google-oauth2", "g").await;
    assert_eq!(service.user(&user.id).await, user);

    let stream = client.connect(server.address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let refused = client.offering(&[b"h3"]).refusal(server.address).await;
    assert_eq!(refused, "received fatal alert: NoApplicationProtocol");
    let refused = TlsClient::new(&stranger, None).refusal(server.address).await;
    assert!(refused.contains("UnknownIssuer") || refused.contains("BadSignature"), "{refused}");
    // The port accepts no clear text.
    server.service().get_user(get(&user.id)).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_clients_need_a_certificate_others_are_cut_off() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&database.name);
    let (ours, clients, stranger) =
        (Authority::new("ours"), Authority::new("clients"), Authority::new("stranger"));
    ours.issue().write(&dir);
    fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    let toml = format!("{}client_ca = \"{}/clients.pem\"\n", tls_toml(&dir), dir.display());
    let server = TestServer::start_with(database, |before| before + &toml).await;
    let (right, wrong) = (clients.issue(), stranger.issue());

    let refused = TlsClient::new(&ours, None).refusal(server.address).await;
    assert_eq!(refused, "received fatal alert: CertificateRequired");
    let refused = TlsClient::new(&ours, Some(&wrong)).refusal(server.address).await;
    assert!(
        ["received fatal alert: UnknownCA", "received fatal alert: DecryptError"]
            .contains(&&*refused),
        "{refused}"
    );
    // The server's own certificate is no client certificate: another authority issued it.
    let refused = TlsClient::new(&ours, Some(&ours.issue())).refusal(server.address).await;
    assert!(
        ["received fatal alert: UnknownCA", "received fatal alert: DecryptError"]
            .contains(&&*refused),
        "{refused}"
    );

    let service =
        Caller::new(TlsClient::new(&ours, Some(&right)).channel(server.address), backend());
    service.create("google-oauth2", "g").await;
}

/// G07: no bytes, and the beginning of a handshake.
#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_stall_are_cut() {
    let dir = temp_dir("stalled_handshakes");
    let ours = Authority::new("ours");
    ours.issue().write(&dir);
    let server = TestServer::start_tls(&dir, &TlsClient::new(&ours, None), |limits| {
        limits.handshake_timeout = SOON;
    })
    .await;

    let attack = async {
        for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
            let mut peers = Vec::new();
            for _ in 0..20 {
                let mut peer = Peer::silent(server.address).await;
                peer.send_bytes(said).await;
                peers.push(peer);
            }
            for mut peer in peers {
                assert_eq!(peer.rest_as_text().await, "");
            }
        }
        // A whole handshake without HTTP/2 after it.
        let mut stream = TlsClient::new(&ours, None).connect(server.address).await.unwrap();
        assert!(stream.read_u8().await.is_err());
    };
    while_attacked(&server, attack).await;
}

/// This is how a mounted secret changes: a link to a folder replaces another.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_when_the_files_change_and_open_connections_go_on() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&format!("{}_tls", database.name));
    let ours = Authority::new("ours");
    let pairs = [ours.issue(), ours.issue()];
    for (pair, name) in pairs.iter().zip(["first", "second"]) {
        fs::create_dir(dir.join(name)).unwrap();
        pair.write(&dir.join(name));
    }
    symlink("first", dir.join("now")).unwrap();
    let (mut child, address) = Running::serve(&database, |toml| toml + &tls_toml(&dir.join("now")));
    let client = TlsClient::new(&ours, None);
    let service = Caller::new(client.channel(address), backend());
    let user = service.create("google-oauth2", "g").await;
    assert!(client.is_shown(address, &pairs[0]).await);

    symlink("second", dir.join("next")).unwrap();
    fs::rename(dir.join("next"), dir.join("now")).unwrap();

    child.stderr_until(|line| line.contains("the TLS files were read again"));
    assert!(client.is_shown(address, &pairs[1]).await);
    assert_eq!(service.user(&user.id).await, user);
    child.signal(Signal::TERM);
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_load_are_logged_and_not_used() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&format!("{}_tls", database.name));
    let ours = Authority::new("ours");
    let (first, second) = (ours.issue(), ours.issue());
    first.write(&dir);
    let (mut child, address) = Running::serve(&database, |toml| toml + &tls_toml(&dir));
    let client = TlsClient::new(&ours, None);

    let mut errors = Vec::new();
    let mut told = |child: &mut Running| {
        let line = child.stderr_until(|line| line.contains("the TLS files are invalid"));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        errors.push(format!(
            "{} {}",
            line["level"].as_str().unwrap(),
            line["problem"].as_str().unwrap()
        ));
    };
    // The key of another certificate, no key at all, no file.
    fs::write(dir.join("key.pem"), &second.key).unwrap();
    told(&mut child);
    fs::write(dir.join("key.pem"), "secret").unwrap();
    told(&mut child);
    fs::remove_file(dir.join("chain.pem")).unwrap();
    told(&mut child);
    assert!(client.is_shown(address, &first).await);
    second.write(&dir);
    child.stderr_until(|line| line.contains("the TLS files were read again"));
    assert!(client.is_shown(address, &second).await);

    let errors = errors.join("\n").replace(dir.to_str().unwrap(), "DIR");
    insta::assert_snapshot!(errors, @"
        ERROR key: names a file that does not go with the certificate: keys may not be consistent: KeyMismatch
        ERROR key: names a file that holds no private key (PEM, not encrypted)
        ERROR certificate: DIR/chain.pem cannot be read: No such file or directory (os error 2)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_the_files_at_once_and_does_not_end_the_server() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&format!("{}_tls", database.name));
    let ours = Authority::new("ours");
    let (first, second) = (ours.issue(), ours.issue());
    first.write(&dir);
    let (mut child, address) = Running::serve(&database, |toml| toml + &tls_toml(&dir));

    // The files are unchanged, so the server would not read them again automatically.
    child.signal(Signal::HUP);
    child.stderr_until(|line| line.contains("the TLS files were read again"));
    second.write(&dir);
    child.signal(Signal::HUP);
    child.stderr_until(|line| line.contains("the TLS files were read again"));

    assert!(TlsClient::new(&ours, None).is_shown(address, &second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_does_not_end_a_server_without_files_to_read() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);

    child.signal(Signal::HUP);
    let mut peer = Peer::connect(address).await;
    assert!(peer.next().await.is_some());
    child.signal(Signal::TERM);

    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// S06: the warning is logged at start.
#[tokio::test(flavor = "multi_thread")]
async fn clear_text_beyond_this_machine_causes_a_warning() {
    for (listen, is_warned_of) in
        [("0.0.0.0:0", true), ("[::]:0", true), ("127.0.0.1:0", false), ("[::1]:0", false)]
    {
        let database = cluster().db_migrated().await;
        let (child, _) = Running::serve(&database, |toml| toml.replace("127.0.0.1:0", listen));
        child.signal(Signal::TERM);
        let warnings =
            child.finish().stderr.lines().filter(|line| line.contains("clear text")).count();
        assert_eq!(warnings, usize::from(is_warned_of), "{listen}");
    }
}

#[test]
fn check_config_lists_everything_that_is_wrong_with_the_files() {
    let dir = temp_dir("tls_config");
    let ours = Authority::new("ours");
    let pair = ours.issue();
    pair.write(&dir);
    fs::write(dir.join("ca.pem"), ours.pem()).unwrap();
    fs::write(dir.join("other.pem"), ours.issue().key).unwrap();
    fs::write(dir.join("empty.pem"), "").unwrap();
    fs::write(
        dir.join("bad.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let check = |tls: &str| {
        let toml = server::config_toml("127.0.0.1:0".parse().unwrap(), "postgres://localhost/x");
        fs::write(dir.join("config.toml"), format!("{toml}[tls]\n{tls}")).unwrap();
        // Run from another folder: paths are relative to the file.
        let ran = run_command(binary(&[
            "check-config",
            "--config",
            dir.join("config.toml").to_str().unwrap(),
        ]));
        format!("{} {}{}", ran.code.unwrap(), ran.stdout, ran.stderr)
            .replace(dir.to_str().unwrap(), "DIR")
    };

    let good = "certificate = \"chain.pem\"\nkey = \"key.pem\"\nclient_ca = \"ca.pem\"";
    assert_eq!(check(good), "0 the configuration is valid");
    insta::assert_snapshot!(check("certificate = \"none.pem\"\nkey = \"empty.pem\"\nclient_ca = \"key.pem\""), @"
        64 identity-link: DIR/config.toml:
        line 154: tls.certificate: DIR/none.pem cannot be read: No such file or directory (os error 2)
        line 155: tls.key: names a file that holds no private key (PEM, not encrypted)
        line 156: tls.client_ca: DIR/key.pem holds no certificate (PEM)
    ");
    insta::assert_snapshot!(check("certificate = \"chain.pem\"\nkey = \"other.pem\"\nca = \"ca.pem\""), @"
        64 identity-link: DIR/config.toml:
        line 155: tls.key: names a file that does not go with the certificate: keys may not be consistent: KeyMismatch
        line 156: tls.ca: is not a known key here: it belongs to [outgoing]
    ");
    insta::assert_snapshot!(check("certificate = \"bad.pem\"\nkey = \"key.pem\"\nclient_ca = \"bad.pem\""), @"
        64 identity-link: DIR/config.toml:
        line 154: tls.certificate: DIR/bad.pem holds something that is no certificate: BadEncoding
        line 156: tls.client_ca: DIR/bad.pem holds something that is no certificate: BadEncoding
    ");
    insta::assert_snapshot!(check("client_ca = 1"), @"
        64 identity-link: DIR/config.toml:
        line 153: tls.certificate: is required
        line 153: tls.key: is required
        line 154: tls.client_ca: must be a string
    ");
}
