//! Personal data as a viewer sees it who has not said why.

/// The usual names of providers whose accounts are phone numbers.
pub(super) const PHONE_PROVIDERS: [&str; 3] = ["phone", "sms", "whatsapp"];
/// What stands for the hidden part.
const DOTS: &str = "•••";

/// An email without its local part, apart from the first character.
pub(super) fn email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}{DOTS}@{domain}")
        }
        None if email.is_empty() => String::new(),
        None => DOTS.to_owned(),
    }
}

/// The name of an account, which at some providers is an email or a phone number.
pub(super) fn subject(provider: &str, subject: &str) -> String {
    if subject.contains('@') {
        return email(subject);
    }
    let is_phone = PHONE_PROVIDERS.contains(&provider)
        || subject
            .strip_prefix('+')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match (is_phone, subject.char_indices().rev().nth(1)) {
        // Enough to compare with a number that a caller says.
        (true, Some((at, _))) => format!("{DOTS}{}", subject.get(at..).unwrap_or_default()),
        (true, None) => DOTS.to_owned(),
        (false, _) => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_person_is_hidden() {
        assert_eq!(email("ann.smith@example.com"), "a•••@example.com");
        assert_eq!(email("\"a@b\"@example.com"), "\"•••@example.com");
        assert_eq!(email("ann"), "•••");
        assert_eq!(email(""), "");
        assert_eq!(subject("email", "ann@example.com"), "a•••@example.com");
        assert_eq!(subject("twilio", "+49 171 12345"), "•••45");
        assert_eq!(subject("sms", "4917112345"), "•••45");
        assert_eq!(subject("sms", "4"), "•••");
        assert_eq!(subject("github", "583231"), "583231");
    }
}
