//! Email addresses: equal canonical forms mean equal addresses.
#![no_main]

use identity_link::domain::Email;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|given: &str| {
    let Ok(email) = Email::parse(given) else { return };
    assert_eq!(email.given(), given);

    let canonical = email.canonical();
    let again = Email::parse(canonical).expect("a canonical form is an address");
    assert_eq!(again.canonical(), canonical, "a canonical form is its own");

    assert!(canonical.len() <= 254);
    let (local, domain) = canonical.split_once('@').expect("an address has an @");
    assert!((1..=64).contains(&local.len()));
    assert!(!domain.contains('@'));
    assert!(
        domain.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')),
        "{domain}"
    );
    assert!(domain.contains('.') && domain.split('.').all(|label| (1..=63).contains(&label.len())));
    // The canonical form contains nothing that a mail server or a reader could understand
    // differently.
    assert!(
        !canonical
            .contains(|c: char| c.is_control() || c.is_whitespace() || "<>()[]\\\",;:".contains(c))
    );

    // Letters that look alike never turn one address into another.
    let given_local = given.split('@').next().unwrap_or_default();
    assert_eq!(local.is_ascii(), given_local.is_ascii());
    // The case of ASCII letters never matters, and nothing else of an ASCII mailbox changes.
    if given_local.is_ascii() {
        assert_eq!(local, given_local.to_ascii_lowercase());
    }
    for spelled in [given.to_ascii_uppercase(), given.to_ascii_lowercase()] {
        assert_eq!(
            Email::parse(&spelled).as_ref().map(Email::canonical),
            Ok(canonical),
            "{spelled:?}"
        );
    }
});
