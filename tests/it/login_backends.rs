//! `examples/login-backend`: one story in a browser for each of the backends, which people copy.

mod axum;
mod express;
mod fastapi;
mod forged;
mod net_http;
mod ordinary;
mod spring_boot;
mod visit;

use std::fs;

use crate::docs::pages::Page;

/// The stories, each as a test of the backend that this expression starts.
macro_rules! stories {
    ($command:expr) => {
        #[tokio::test]
        async fn a_person_signs_in_and_out_and_links_a_second_account_of_the_same_email() {
            super::ordinary::candidate_is_linked(&$command).await;
        }

        #[tokio::test]
        async fn a_person_stays_a_user_of_its_own() {
            super::ordinary::new_user(&$command).await;
        }

        #[tokio::test]
        async fn a_person_links_and_unlinks_in_the_settings() {
            super::ordinary::settings(&$command).await;
        }

        #[tokio::test]
        async fn a_person_agrees_before_two_users_become_one() {
            super::ordinary::absorbed_after_a_question(&$command).await;
        }

        #[tokio::test]
        async fn a_session_follows_its_user() {
            super::ordinary::session_of_an_absorbed_and_of_a_deleted_user(&$command).await;
        }

        #[tokio::test]
        async fn a_person_is_asked_before_a_user_is_made() {
            super::ordinary::registration(&$command).await;
        }

        #[tokio::test]
        async fn a_blocked_user_is_signed_out_and_cannot_come_back() {
            super::ordinary::blocked_user(&$command).await;
        }

        #[tokio::test]
        async fn a_forged_callback_is_refused() {
            super::forged::callbacks(&$command).await;
        }

        #[tokio::test]
        async fn a_form_of_another_site_is_refused() {
            super::forged::forms(&$command).await;
        }

        #[tokio::test]
        async fn a_link_ends_in_the_session_that_began_it() {
            super::forged::link_of_another_session(&$command).await;
        }

        #[tokio::test]
        async fn a_hostile_name_is_text_and_no_secret_is_logged() {
            super::forged::name_and_log(&$command).await;
        }

        #[tokio::test]
        async fn cookies_are_for_https_and_this_host_alone() {
            super::forged::cookies_of_https(&$command).await;
        }

        #[tokio::test]
        async fn without_https_it_serves_on_a_loopback_address_only() {
            super::forged::plaintext_elsewhere(&$command).await;
        }
    };
}
use stories;

/// The page has no code but that of the example.
#[test]
fn the_code_of_the_page_is_that_of_the_example() {
    let files: String = ["main", "sessions", "linking", "sentences"]
        .map(|name| {
            fs::read_to_string(format!("examples/login-backend/fastapi/{name}.py")).unwrap()
        })
        .concat();
    let blocks = Page::read("docs/how-to/login-backend.md").blocks_in("python");
    assert!(blocks.len() > 3, "{blocks:?}");
    for block in blocks {
        assert!(files.contains(&block), "{block}");
    }
}
