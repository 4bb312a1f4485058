//! Writes the events of a transaction for the readers of the feed.

use chrono::{DateTime, Utc};
use diesel::{
    sql_query,
    sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};

use super::{
    Session, StoreError,
    cached::Cached,
    cluster::cluster,
    epochs::last_epoch,
    stored::{actor::Actor, to_json},
    writes::Expected,
};
use crate::domain::Event;

/// An event of the open transaction.
pub(super) struct NewEvent {
    actor: Actor,
    event: Event,
    time: DateTime<Utc>,
}

impl Session {
    /// Records an event of this transaction for [`Session::insert_events`].
    pub fn record(&mut self, actor: Actor, event: Event, time: DateTime<Utc>) {
        self.events.push(NewEvent { actor, event, time });
    }

    /// Adds the recorded events to the transaction. Only the stored response and COMMIT may follow,
    /// so that the epoch is the one in which the transaction commits.
    pub fn insert_events(&mut self) -> Result<(), StoreError> {
        const SQL: &str = concat!(
            "INSERT INTO events (tenant_id, epoch, ordinal, user_id, other_user_id, actor, request_id, detail, event_time) \
             SELECT $1, last.n, x.ordinal - 1, x.user_id, x.other_user_id, x.actor, $2, x.detail, x.event_time \
             FROM ",
            last_epoch!(),
            " last, \
               unnest($3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::timestamptz[]) \
                 WITH ORDINALITY AS x(user_id, other_user_id, actor, detail, event_time, ordinal) \
             WHERE last.cluster = ",
            cluster!()
        );
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
        }
        let user = |new: &NewEvent| new.event.sides().0.map(ToString::to_string);
        let other = |new: &NewEvent| new.event.sides().1.map(ToString::to_string);
        let actors = events.iter().map(|new| to_json(&new.actor));
        let details = events.iter().map(|new| to_json(&new.event));
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Nullable<SqlUuid>, _>(self.request.as_ref().map(|request| request.id))
            .bind::<Array<Nullable<Text>>, _>(events.iter().map(user).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(events.iter().map(other).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(actors.collect::<Result<Vec<_>, _>>()?)
            .bind::<Array<Jsonb>, _>(details.collect::<Result<Vec<_>, _>>()?)
            .bind::<Array<Timestamptz>, _>(events.iter().map(|new| new.time).collect::<Vec<_>>());
        self.kinds = events.iter().map(|new| new.event.kind()).collect();
        self.write("insert_events", Cached(query), Expected::Events(events.len()));
        Ok(())
    }
}
