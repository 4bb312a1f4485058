//! Personal data as a viewer sees it who has not said why.

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
pub(super) fn subject(subject: &str) -> String {
    if subject.contains('@') {
        return email(subject);
    }
    let is_phone = subject.strip_prefix('+').is_some_and(|rest| {
        rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')'))
    });
    match is_phone {
        // Enough to compare with a number that a caller says.
        true => {
            let end: String =
                subject.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
            format!("+{DOTS}{end}")
        }
        false => subject.to_owned(),
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
        assert_eq!(subject("ann@example.com"), "a•••@example.com");
        assert_eq!(subject("+49 171 12345"), "+•••45");
        assert_eq!(subject("583231"), "583231");
    }
}
