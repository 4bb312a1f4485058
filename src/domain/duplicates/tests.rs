use super::*;

#[test]
fn a_mailbox_at_google_is_found_by_any_of_its_addresses() {
    let same = ["a.n.n@gmail.com", "ann@googlemail.com", "ann+news@gmail.com"];
    assert!(same.iter().all(|email| gmail_mailbox(email).as_deref() == Some("ann@gmail.com")));
    for other in ["ann@example.com", "ann@mail.gmail.com", "+@gmail.com"] {
        assert_eq!(gmail_mailbox(other), None, "{other}");
    }
}

#[test]
fn only_the_form_of_e164_is_a_phone_number() {
    assert!(is_phone_number("+15555550103"));
    for text in
        ["15555550103", "+1 5555550103", "+05555550103", "+1", "+1234567890123456", "+1a55555"]
    {
        assert!(!is_phone_number(text), "{text}");
    }
}
