//! Lists in the order of ids or creation times are complete, read part by part.

use super::*;

/// The users by creation time, then by id: `sms|2` and `sms|5` have the same time.
const CREATED: &str = "sms|3 sms|1 sms|2 sms|5 sms|4";
const ORDERS: [(&str, &str); 5] = [
    ("", "sms|1 sms|2 sms|3 sms|4 sms|5"),
    ("user_id:1", "sms|1 sms|2 sms|3 sms|4 sms|5"),
    ("user_id:-1", "sms|5 sms|4 sms|3 sms|2 sms|1"),
    ("created_at:1", CREATED),
    ("created_at:-1", "sms|4 sms|5 sms|2 sms|1 sms|3"),
];

async fn five_of_four_moments(server: &TestServer) {
    five(&server.backend()).await;
    for (at, id) in CREATED.split(' ').enumerate() {
        let moment = at.min(2) + usize::from(id == "sms|4");
        let set = format!(
            "UPDATE users SET create_time = '2020-01-01' + {moment} * interval '1 us' WHERE id = '{id}'"
        );
        server
            .database
            .db_execute(&set.replace("'2020-01-01' +", "'2020-01-01Z'::timestamptz +"))
            .await;
    }
}

/// All users of a list by `from` and `take`, with this number of users in each response.
async fn taken(backend: &Asker, query: &str, take: usize) -> Vec<String> {
    let (mut pages, mut from) = (Vec::new(), String::new());
    loop {
        let said = backend.get(&format!("{USERS}?{query}&take={take}{from}")).await.ok();
        pages.push(ids(&said["users"]));
        let Some(next) = said.get("next") else { return pages };
        assert!(pages.len() < 5, "{query} has no end: {pages:?}");
        from = format!("&from={}", next.as_str().unwrap());
    }
}

#[tokio::test]
async fn users_are_listed_in_the_order_that_is_asked_for() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    five_of_four_moments(&server).await;
    for (sort, expected) in ORDERS {
        let sort = if sort.is_empty() { String::new() } else { format!("sort={sort}") };
        assert_eq!(ids(&backend.get(&format!("{USERS}?{sort}")).await.ok()), expected, "{sort}");
        for size in 1..=6 {
            let mut numbered = Vec::new();
            for page in 0..5_usize.div_ceil(size) {
                let said =
                    backend.get(&format!("{USERS}?{sort}&per_page={size}&page={page}")).await.ok();
                numbered.push(ids(&said));
            }
            assert_eq!(numbered.join(" "), expected, "{sort}");
            assert_eq!(taken(&backend, &sort, size).await, numbered, "{sort}");
        }
    }
    // The result of a search has the order, too.
    let found = backend
        .get(&format!("{USERS}?sort=created_at:-1&q=user_id:(sms|1%20OR%20sms|4%20OR%20sms|3)"))
        .await;
    assert_eq!(in_short(&found), "sms|4 sms|1 sms|3");
    let found = backend
        .get(&format!("{USERS}?sort=created_at:1&q=identities.provider:sms%20-user_id:sms|1"))
        .await;
    assert_eq!(in_short(&found), "sms|3 sms|2 sms|5 sms|4");
}

/// A list shows a user that exists all the time exactly once, even if others are created and
/// deleted meanwhile.
#[tokio::test]
async fn the_rest_of_a_list_has_every_user_once() {
    for (sort, first, rest) in [
        ("user_id:1", "sms|1 sms|2", "sms|3 sms|4 sms|5 sms|6"),
        ("user_id:-1", "sms|5 sms|4", "sms|3 sms|2 sms|1 sms|0"),
        ("created_at:1", "sms|3 sms|1", "sms|2 sms|5 sms|4 sms|0 sms|6"),
        ("created_at:-1", "sms|4 sms|5", "sms|2 sms|1 sms|3"),
    ] {
        let server = TestServer::start_auth0().await;
        let backend = server.backend();
        five_of_four_moments(&server).await;
        let said = backend.get(&format!("{USERS}?sort={sort}&take=2")).await.ok();
        assert_eq!(ids(&said["users"]), first);

        for account in ["0", "6"] {
            backend.post(USERS, &json!({"connection": "sms", "user_id": account})).await.ok();
        }
        let last = first.split(' ').next_back().unwrap();
        assert_eq!(backend.delete(&format!("{USERS}/{last}")).await.status, 204);

        let from = said["next"].as_str().unwrap();
        let said = backend.get(&format!("{USERS}?sort={sort}&from={from}")).await.ok();
        assert_eq!(ids(&said["users"]), rest, "{sort}");
    }
}

#[tokio::test]
async fn where_to_go_on_is_said_for_one_order_and_one_question() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    five(&backend).await;
    let questions = [
        "sort=created_at:1",
        "sort=created_at:-1",
        "sort=user_id:1",
        "sort=user_id:-1",
        "q=-user_id:a",
        "q=-user_id:b",
        "connection=sms",
        "resolve=true",
    ];
    let mut tokens = Vec::new();
    for question in questions {
        let said = backend.get(&format!("{USERS}?{question}&take=1")).await.ok();
        tokens.push(said["next"].as_str().unwrap().to_owned());
    }
    for question in questions {
        for (of, token) in questions.iter().zip(&tokens) {
            let said = backend.get(&format!("{USERS}?{question}&from={token}")).await;
            assert_eq!(said.status.is_success(), question == *of, "{question} from {of}");
        }
    }
    // Parameters without an effect may change between requests.
    let said = backend
        .get(&format!("{USERS}?from={}&search_engine=v2&primary_order=false", tokens[2]))
        .await;
    assert_eq!(said.status, 200);
}
