use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest},
};

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(minute * 60, 0).unwrap()
}

fn account(since: i64) -> Account {
    Account { since: Some(at(since)), is_here: true }
}

fn link(users: (&str, &str), accounts: &[usize], made: i64, undone: Option<i64>) -> Link {
    Link {
        primary: users.0.to_owned(),
        secondary: users.1.to_owned(),
        accounts: accounts.to_vec(),
        made: at(made),
        undone: undone.map(at),
    }
}

/// The layout in words: the bands, the lanes, the marks.
fn shown(user: &str, accounts: &[Account], links: &[Link]) -> String {
    let Layout { bands, lanes, marks } = layout(user, accounts, links);
    let bands =
        bands.iter().map(|band| format!("{} {:?} {:?}", band.user, band.rows, band.accounts));
    let lanes = lanes.iter().map(|Lane { account, start, row, bends, ends }| {
        format!(
            "account {account}: {start:?} in {row}, then {bends:?}{}",
            if *ends { ", ends" } else { "" }
        )
    });
    let marks = marks
        .iter()
        .map(|Mark { link, change, rows, .. }| format!("link {link} {change:?} in {rows:?}"));
    bands.chain(lanes).chain(marks).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_link_bends_lanes_into_the_band_and_an_undo_parts_them() {
    let accounts = [account(0), Account { since: None, is_here: false }];
    let links = [link(("ann", "ben"), &[1], 10, Some(20))];
    insta::assert_snapshot!(shown("ann", &accounts, &links), @r"
    ann 0..2 [0, 1]
    ben 2..3 [1]
    account 0: Before(0) in 0, then []
    account 1: Before(0) in 2, then [(0, 1), (1, 2)]
    link 0 Made in [1]
    link 0 Undone in [1]
    ");
}

#[test]
fn an_account_of_no_user_begins_at_its_link_and_one_that_was_given_up_ends() {
    let accounts = [account(0), Account { since: Some(at(10)), is_here: false }];
    let links = [link(("ann", ""), &[1], 10, None)];
    insta::assert_snapshot!(shown("ann", &accounts, &links), @r"
    ann 0..2 [0, 1]
    account 0: Before(0) in 0, then []
    account 1: At(0) in 1, then [], ends
    link 0 Made in [1]
    ");
}

/// Ben absorbed Cid before Ann absorbed Ben. The second account of Ann came between the two.
#[test]
fn lanes_pass_through_the_bands_of_other_users() {
    let accounts = [account(0), account(15), account(1), account(2)];
    let links = [link(("ann", "ben"), &[2, 3], 20, None), link(("ben", "cid"), &[3], 10, None)];
    insta::assert_snapshot!(shown("ann", &accounts, &links), @r"
    ann 0..4 [0, 1, 2, 3]
    ben 4..6 [2, 3]
    cid 6..7 [3]
    account 0: Before(0) in 0, then []
    account 1: Before(1) in 1, then []
    account 2: Before(0) in 4, then [(1, 2)]
    account 3: Before(0) in 6, then [(0, 5), (1, 3)]
    link 1 Made in [5]
    link 0 Made in [2, 3]
    ");
}

#[test]
fn a_user_without_links_has_one_band() {
    insta::assert_snapshot!(shown("ann", &[account(0), account(5)], &[]), @r"
    ann 0..2 [0, 1]
    account 0: Before(0) in 0, then []
    account 1: Before(0) in 1, then []
    ");
}

fn links() -> impl Strategy<Value = Vec<Link>> {
    let users = (0..4_usize, option::of(0..4_usize));
    let link = (users, vec(0..6_usize, 0..4), 0..50_i64, option::of(0..50_i64));
    let link = link.prop_map(|((primary, secondary), accounts, made, after)| Link {
        primary: format!("user{primary}"),
        secondary: secondary.map(|user| format!("user{user}")).unwrap_or_default(),
        accounts,
        made: at(made),
        undone: after.map(|after| at(made + after)),
    });
    vec(link, 0..12).prop_map(|mut links| {
        links.sort_by_key(|link| std::cmp::Reverse(link.made));
        links
    })
}

proptest! {
    /// Whatever the links are: two accounts never share a row, and no row is outside of the bands.
    #[test]
    fn no_two_lanes_share_a_row(links in links(), here in vec(any::<bool>(), 6)) {
        let accounts = here.into_iter().map(|is_here| Account { since: None, is_here });
        let Layout { bands, lanes, .. } = layout("user0", &accounts.collect::<Vec<_>>(), &links);
        prop_assert_eq!(lanes.len(), 6);
        let mut rows = BTreeMap::new();
        for lane in &lanes {
            let visited = lane.bends.iter().map(|(_, row)| *row).chain([lane.row]);
            for row in visited {
                prop_assert_eq!(*rows.entry(row).or_insert(lane.account), lane.account);
                let band = bands.iter().find(|band| band.rows.contains(&row)).unwrap();
                prop_assert_eq!(band.accounts[row - band.rows.start], lane.account);
            }
            prop_assert!(lane.bends.windows(2).all(|two| two[0].0 < two[1].0));
        }
        prop_assert_eq!(bands.iter().map(|band| band.rows.len()).sum::<usize>(), rows.len());
    }

    /// Each link has one mark, and one more if it was undone; a lane bends at a mark of its own only.
    #[test]
    fn each_change_of_a_link_has_one_mark(links in links()) {
        let accounts: Vec<Account> = (0..6).map(|_| account(0)).collect();
        let Layout { lanes, marks, .. } = layout("user0", &accounts, &links);
        for (at, link) in links.iter().enumerate() {
            let of = |change| marks.iter().filter(|mark| mark.link == at && mark.change == change).count();
            prop_assert_eq!((of(Change::Made), of(Change::Undone)), (1, usize::from(link.undone.is_some())));
        }
        prop_assert!(marks.windows(2).all(|two| two[0].time <= two[1].time));
        for lane in &lanes {
            for (mark, _) in &lane.bends {
                prop_assert!(links[marks[*mark].link].accounts.contains(&lane.account));
            }
        }
    }
}
