//! What holds for all rows.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value};

use super::*;
use crate::transfer::row::{Row, RowIdentity};

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_000_000_000_000_000_i64..250_000_000_000_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', "0"))
}

fn map() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    });
    vec((any::<String>(), value), 0..4).prop_map(Map::from_iter)
}

fn identity() -> impl Strategy<Value = RowIdentity> {
    let names = (text(), "[a-z0-9 é|]{0,20}", text(), any::<bool>());
    let email = (text(), any::<bool>(), option::of(time()));
    (names, email, map(), option::of(time())).prop_map(
        |(names, email, profile_data, attach_time)| {
            let (provider, subject, connection, social) = names;
            let (email, email_verified, email_verify_time) = email;
            RowIdentity {
                provider,
                subject,
                connection,
                social,
                email,
                email_verified,
                email_verify_time,
                profile_data,
                attach_time,
            }
        },
    )
}

prop_compose! {
    fn row()(
        id in option::of(text()),
        aliases in vec(text(), 0..3),
        times in (option::of(time()), option::of(time()), option::of(time())),
        blocked in any::<bool>(),
        maps in (map(), map(), map()),
        identities in vec(identity(), 1..4),
    ) -> Row {
        Row {
            id,
            aliases,
            create_time: times.0,
            update_time: times.1,
            tokens_valid_from: times.2,
            blocked,
            user_metadata: maps.0,
            app_metadata: maps.1,
            profile_overrides: maps.2,
            identities,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_row_that_was_written_is_read_as_it_was(row in row()) {
        let json = serde_json::to_string(&row).unwrap();
        let reading = Format::Neutral.read(&Record::Json(json), now());
        let found = Found { row, ..Found::default() };
        prop_assert_eq!(reading, Ok(Reading::User(Box::new(found))));
    }

    #[test]
    fn no_text_makes_a_source_panic(text in any::<String>(), at in 0..4_000_usize, put in any::<char>()) {
        for (format, name) in [
            (Format::Auth0, "auth0.ndjson"),
            (Format::Firebase, "firebase-batchget.json"),
            (Format::Supabase, "supabase.ndjson"),
            (Format::Keycloak, "keycloak-users-0.json"),
            (Format::Cognito, "cognito-list-users.json"),
        ] {
            let _ = format.read(&Record::Json(text.clone()), now());
            let mut changed: Vec<char> = std::fs::read_to_string(sample(name)).unwrap().chars().collect();
            if let Some(c) = changed.get_mut(at) {
                *c = put;
            }
            read_text(format, &changed.into_iter().collect::<String>());
        }
    }
}
