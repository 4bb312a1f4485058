//! A user's `name`, `nickname` and `picture`. Auth0 generates them wherever a profile lacks them
//! ("Normalized User Profile Schema": fields that are always generated), and clients rely on it.
//! The server generates them in the response and never stores them, so that they do not stand in
//! the way of a later value from a provider or a service.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::User;

/// The picture of each user without one: a drawing of a person, as SVG. Auth0 takes a picture from
/// another service by a hash of the email, and so discloses to it who signs up where. In Base64, so
/// that it needs no quotes in a page.
const BUILT_IN_PICTURE: &str = "data:image/svg+xml;base64,\
    PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHJlY3Qgd2lkdGg9IjI0\
    IiBoZWlnaHQ9IjI0IiBmaWxsPSIjZThlYWVkIi8+PGNpcmNsZSBjeD0iMTIiIGN5PSI5IiByPSI0IiBmaWxsPSIjOWFhMGE2Ii8+\
    PHBhdGggZD0iTTQgMjJhOCA4IDAgMCAxIDE2IDB6IiBmaWxsPSIjOWFhMGE2Ii8+PC9zdmc+";

/// The names at a user's root whose value is text or absent: clients parse it so.
const TEXTS: [&str; 4] = ["family_name", "given_name", "phone_number", "username"];
/// The names at a user's root whose value is `true`, `false` or absent.
const FLAGS: [&str; 1] = ["phone_verified"];

/// What the server shows of users whose profile lacks it.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    picture: Arc<str>,
}

/// The name, the nickname and the picture's URL of a user.
#[derive(Debug)]
pub(super) struct Look {
    pub name: String,
    pub nickname: String,
    pub picture: String,
}

impl Looks {
    /// `picture` is the URL of the operator's picture for users without one; `None` for the
    /// built-in drawing.
    pub(super) fn new(picture: Option<&str>) -> Self {
        Self { picture: Arc::from(picture.unwrap_or(BUILT_IN_PICTURE)) }
    }

    /// Takes the name, the nickname and the picture out of a user's profile, and generates what the
    /// profile lacks. The values that are left have the types that clients parse.
    pub(super) fn take(&self, user: &User, profile: &mut Map<String, Value>) -> Look {
        let [name, nickname, picture] =
            ["name", "nickname", "picture"].map(|field| match profile.remove(field) {
                Some(Value::String(text)) if !text.is_empty() => Some(text),
                _ => None,
            });
        profile.retain(|field, value| match field.as_str() {
            field if TEXTS.contains(&field) => value.is_string(),
            field if FLAGS.contains(&field) => value.is_boolean(),
            _ => true,
        });
        let text = |field: &str| {
            profile.get(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let email = user.identity(&user.primary).and_then(|identity| identity.email.as_ref());
        let email = email.map(|email| email.given.as_str());
        let username = text("username").or_else(|| text("preferred_username"));
        let name = name
            .or_else(|| email.map(str::to_owned))
            .or_else(|| text("phone_number"))
            .or_else(|| username.clone())
            .or_else(|| nickname.clone())
            .unwrap_or_else(|| user.primary.subject.as_str().to_owned());
        let local_part = || {
            email.map(|email| email.rsplit_once('@').map_or(email, |(local, _)| local).to_owned())
        };
        let nickname = nickname.or_else(local_part).or(username).unwrap_or_else(|| name.clone());
        Look { name, nickname, picture: picture.unwrap_or_else(|| self.picture.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::BUILT_IN_PICTURE;

    #[test]
    fn the_default_picture_is_an_image_and_a_url() {
        let base64 = BUILT_IN_PICTURE.strip_prefix("data:image/svg+xml;base64,").unwrap();
        let svg = String::from_utf8(BASE64.decode(base64.as_bytes()).unwrap()).unwrap();
        assert!(
            svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">"#),
            "{svg}"
        );
        assert!(svg.ends_with("</svg>") && !svg.contains("<script"), "{svg}");
    }
}
