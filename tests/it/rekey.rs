//! `examples/rekey` as a shop runs it, in each of its languages: the test kills it again and again while
//! users are linked and unlinked. Its database is in another cluster than the feed, which would wait
//! for its transactions.

mod golang;
mod node;
mod people;
mod python;
mod rust;
mod shop;
mod story;

use std::fs;

/// The stories, each as a test of the service that this function makes a command for.
macro_rules! stories {
    ($command:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn orders_end_with_the_right_users_however_often_the_example_is_killed() {
            super::story::killed_again_and_again($command).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn an_order_that_is_placed_while_its_user_is_linked_goes_with_it() {
            super::story::order_placed_meanwhile($command).await;
        }
    };
}
use stories;

#[test]
fn the_pattern_in_the_docs_is_that_of_the_example() {
    let docs = fs::read_to_string("docs/tutorials/following-the-feed.md").unwrap();
    let blocks_in = |language: &str| -> Vec<&str> {
        let fence = format!("```{language}\n");
        let begun = docs.split(fence.as_str()).skip(1);
        begun.map(|block| block.split("```").next().unwrap()).collect()
    };
    for (language, file) in [("rust", "main.rs"), ("sql", "place_order.sql")] {
        let [block] = blocks_in(language)[..] else {
            panic!("the page has one block of {language}")
        };
        let file = fs::read_to_string(format!("examples/rekey/{file}")).unwrap();
        assert!(
            file.contains(block),
            "docs/tutorials/following-the-feed.md has a block that the example has not:\n{block}"
        );
    }
}

/// The files that have the statements, per language.
const PROGRAMS: [&str; 4] = ["shop.rs", "go/main.go", "python/rekey.py", "node/rekey.ts"];

/// Text with each run of white space as one space, and without the ends of lines that Rust continues.
fn in_one_line(text: &str) -> String {
    text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_language_has_the_same_schema_and_the_same_statements() {
    let read = |file: &str| fs::read_to_string(format!("examples/rekey/{file}")).unwrap();
    for language in ["go", "python", "node"] {
        assert!(read(&format!("{language}/schema.sql")) == read("schema.sql"), "{language}");
    }
    for sql in [
        "SELECT DISTINCT placed_by",
        "FROM orders WHERE user_id IS NOT NULL",
        "INSERT INTO feed_position (position) VALUES ($1) \
         ON CONFLICT (is_row) DO UPDATE SET position = excluded.position",
        "UPDATE feed_position SET position = $2 WHERE position = $1",
        "UPDATE orders SET user_id = holders.user_id \
         FROM unnest($1::text[], $2::text[]) AS holders (placed_by, user_id) \
         WHERE orders.placed_by = holders.placed_by AND orders.user_id IS NOT NULL \
         AND orders.user_id IS DISTINCT FROM holders.user_id",
    ] {
        for program in PROGRAMS {
            assert!(in_one_line(&read(program)).contains(sql), "{program} has another: {sql}");
        }
    }
}
