//! What must hold in the database after any calls in any order.

use std::time::Duration;

use super::cluster::Database;

/// Queries for rows that must not exist. Each row names what is wrong.
const MUST_NOT_BE: [&str; 17] = [
    // Each identity has one owner, and the owner is a live user.
    "SELECT 'owned twice: ' || provider || '|' || subject FROM identities \
       GROUP BY tenant_id, provider, subject HAVING count(*) > 1",
    "SELECT 'owned by no live user: ' || i.provider || '|' || i.subject FROM identities i \
       LEFT JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.owner_id AND u.absorbed_into IS NULL \
       WHERE u.id IS NULL",
    // A live user has at most 100 identities in one order, and its primary identity is one of them.
    "SELECT 'without its primary identity: ' || u.id FROM users u \
       LEFT JOIN identities i ON i.tenant_id = u.tenant_id AND i.owner_id = u.id \
         AND i.provider = u.primary_provider AND i.subject = u.primary_subject \
       WHERE u.absorbed_into IS NULL AND i.subject IS NULL",
    "SELECT 'over 100 identities: ' || owner_id FROM identities GROUP BY tenant_id, owner_id HAVING count(*) > 100",
    "SELECT 'identities without an order: ' || owner_id FROM identities \
       GROUP BY tenant_id, owner_id HAVING count(DISTINCT ordinal) < count(*)",
    // An absorbed user points to a live user, not to another absorbed one.
    "SELECT 'absorbed by no live user: ' || a.id FROM users a \
       LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.absorbed_into AND u.absorbed_into IS NULL \
       WHERE a.absorbed_into IS NOT NULL AND u.id IS NULL",
    // The origin user of an identity is its owner, or a user that the owner absorbed.
    "SELECT 'without an origin user: ' || i.provider || '|' || i.subject FROM identities i \
       LEFT JOIN users h ON h.tenant_id = i.tenant_id AND h.id = i.home_id \
         AND (h.id = i.owner_id OR h.absorbed_into = i.owner_id) \
       WHERE h.id IS NULL",
    // An alias has the holder of the user that it is a former id of.
    "SELECT 'an alias that left its user: ' || a.id FROM users a \
       LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.alias_of \
         AND coalesce(u.absorbed_into, u.id) = a.absorbed_into AND u.alias_of IS NULL \
       WHERE a.alias_of IS NOT NULL AND u.id IS NULL",
    // Another user is absorbed exactly if a standing link absorbed it.
    "SELECT 'absorbed without a standing link that did it: ' || u.id FROM users u \
       LEFT JOIN links l ON l.tenant_id = u.tenant_id AND l.id = u.absorbed_by_link \
         AND l.secondary_id = u.id AND l.undo_time IS NULL \
       WHERE u.absorbed_into IS NOT NULL AND u.alias_of IS NULL AND l.id IS NULL",
    "SELECT 'a standing link whose secondary user is not absorbed by it: ' || l.id FROM links l \
       LEFT JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.secondary_id AND u.absorbed_by_link = l.id \
       WHERE l.secondary_id IS NOT NULL AND l.undo_time IS NULL AND u.id IS NULL",
    // A standing link that attached an identity still has it at its primary user, unless the
    // identity was released since, and perhaps deleted with its next owner.
    "SELECT 'a standing link whose identity has another origin user: ' || l.id FROM links l \
       LEFT JOIN identities i ON i.tenant_id = l.tenant_id AND i.provider = l.moved->0->>'provider' \
         AND i.subject = l.moved->0->>'subject' AND i.home_id = l.primary_id \
       WHERE l.secondary_id IS NULL AND l.undo_time IS NULL AND i.subject IS NULL AND NOT EXISTS ( \
         SELECT FROM events e WHERE e.tenant_id = l.tenant_id AND e.detail->>'kind' = 'identity_released' \
           AND e.event_time >= l.link_time AND e.detail->'identity' = coalesce(l.moved->0, e.detail->'identity'))",
    "SELECT 'still to be erased: ' || user_ids::text FROM erasures",
    "SELECT 'attached by a link that does not stand: ' || i.provider || '|' || i.subject FROM identities i \
       LEFT JOIN links l ON l.tenant_id = i.tenant_id AND l.id = i.attached_by_link AND l.undo_time IS NULL \
       WHERE i.attached_by_link IS NOT NULL AND l.id IS NULL",
    // A deletion replaces the deleted user's id in each row that names it.
    "SELECT 'a link with an unknown primary user: ' || l.id FROM links l \
       LEFT JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.primary_id \
       WHERE l.primary_id NOT LIKE 'deleted:%' AND u.id IS NULL",
    "SELECT 'a link with an unknown secondary user: ' || l.id FROM links l \
       LEFT JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.secondary_id \
       WHERE l.secondary_id NOT LIKE 'deleted:%' AND u.id IS NULL",
    "SELECT 'detached from an unknown ancestor: ' || a.id FROM users a \
       CROSS JOIN unnest(a.ancestors) AS origin LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = origin \
       WHERE u.id IS NULL",
    "SELECT 'a stored response that names an unknown user: ' || r.rpc || ' ' || c \
       FROM request_ids r, unnest(r.concerned) c \
       WHERE c NOT LIKE '%|%' AND c NOT LIKE 'deleted:%' \
         AND NOT EXISTS (SELECT FROM users u WHERE u.tenant_id = r.tenant_id AND u.id = c)",
];

/// Transactions that are open while their client runs no statement.
const LEFT_OPEN: &str = "SELECT pid || ' left open: ' || query FROM pg_stat_activity \
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
/// How long a transaction may take between two of its statements.
const BETWEEN: Duration = Duration::from_secs(10);

impl Database {
    /// Asserts all invariants, and that an unlink can bring back each absorbed user.
    pub async fn db_assert_invariants(&self) {
        self.db_assert_invariants_but_no_way_back_for(&[]).await;
    }

    /// The same, except that these absorbed users, in byte order, lost their last identity before
    /// they were absorbed.
    pub async fn db_assert_invariants_but_no_way_back_for(&self, stranded: &[String]) {
        self.db_assert_nothing_wrong().await;
        let without = self
            .db_texts(
                "SELECT a.id FROM users a LEFT JOIN identities i ON i.tenant_id = a.tenant_id \
                   AND i.owner_id = a.absorbed_into AND i.home_id = a.id \
                 WHERE a.absorbed_into IS NOT NULL AND a.alias_of IS NULL AND i.subject IS NULL ORDER BY a.id",
            )
            .await;
        assert_eq!(without, stranded, "these absorbed users are those that no unlink brings back");
    }

    /// Asserts the invariants for any users that no unlink can bring back.
    pub async fn db_assert_nothing_wrong(&self) {
        let wrong = self.db_texts(&MUST_NOT_BE.join(" UNION ALL ")).await;
        assert!(wrong.is_empty(), "{wrong:#?}");
        // A call that has returned leaves no transaction open. The sweep runs meanwhile, and may be
        // between two statements.
        let over = async { while !self.db_texts(LEFT_OPEN).await.is_empty() {} };
        if tokio::time::timeout(BETWEEN, over).await.is_err() {
            panic!("{:#?}", self.db_texts(LEFT_OPEN).await);
        }
    }
}
