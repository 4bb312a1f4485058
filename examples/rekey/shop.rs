//! The shop's own database.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Nullable, Text},
};
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};

use super::{Stopped, holders::Holders};

/// The connection to the shop's database.
pub(crate) struct Shop(AsyncPgConnection);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

impl Shop {
    /// Connects, and creates the tables if they are missing.
    pub(crate) async fn open(url: &str) -> Result<Self, Stopped> {
        let mut conn = AsyncPgConnection::establish(url).await?;
        conn.batch_execute(include_str!("schema.sql")).await?;
        Ok(Self(conn))
    }

    /// The position up to which the feed was followed; `None` before the first time.
    pub(crate) async fn position(&mut self) -> Result<Option<String>, Stopped> {
        let rows: Vec<Row> =
            sql_query("SELECT position AS text FROM feed_position").load(&mut self.0).await?;
        Ok(rows.into_iter().next().map(|row| row.text))
    }

    /// Each id under which an order was placed that still belongs to a user.
    pub(crate) async fn ids(&mut self) -> Result<Vec<String>, Stopped> {
        const SQL: &str = "SELECT DISTINCT placed_by AS text FROM orders WHERE user_id IS NOT NULL";
        let rows: Vec<Row> = sql_query(SQL).load(&mut self.0).await?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }

    /// Begins at a position, with the holders at that time.
    pub(crate) async fn begin(&mut self, position: &str, holders: &Holders) -> Result<(), Stopped> {
        const SQL: &str = "INSERT INTO feed_position (position) VALUES ($1) \
            ON CONFLICT (is_row) DO UPDATE SET position = excluded.position";
        let transaction = self.0.transaction(async |conn| {
            sql_query(SQL).bind::<Text, _>(position).execute(conn).await?;
            rekey(conn, holders).await
        });
        transaction.await
    }

    /// Moves from one position to the next, with the events in between. If another process was
    /// first (an old one whose last transaction was still running), nothing is changed.
    pub(crate) async fn go_on(
        &mut self,
        from: &str,
        to: &str,
        holders: &Holders,
    ) -> Result<(), Stopped> {
        const SQL: &str = "UPDATE feed_position SET position = $2 WHERE position = $1";
        let transaction = self.0.transaction(async |conn| {
            match sql_query(SQL).bind::<Text, _>(from).bind::<Text, _>(to).execute(conn).await? {
                0 => Err(Stopped::Overtaken),
                _ => rekey(conn, holders).await,
            }
        });
        transaction.await
    }
}

/// Gives the orders to their holders. An order that belongs to no user stays so.
async fn rekey(conn: &mut AsyncPgConnection, holders: &Holders) -> Result<(), Stopped> {
    const SQL: &str = "UPDATE orders SET user_id = holders.user_id \
        FROM unnest($1::text[], $2::text[]) AS holders (placed_by, user_id) \
        WHERE orders.placed_by = holders.placed_by AND orders.user_id IS NOT NULL \
          AND orders.user_id IS DISTINCT FROM holders.user_id";
    let (ids, users): (Vec<&str>, Vec<Option<&str>>) = holders.iter().unzip();
    sql_query(SQL)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Nullable<Text>>, _>(users)
        .execute(conn)
        .await?;
    Ok(())
}
