-- The feed. Its order is (epoch, xid, ordinal): a transaction takes its locks before it is given its
-- id, so of two changes of one user the later one has the higher id. A reader reads below the oldest
-- id that is still in progress, and so never passes over one that commits late.

CREATE TABLE events (
  tenant_id      text COLLATE "C" NOT NULL,
  epoch          integer          NOT NULL,
  xid            bigint           NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
  ordinal        smallint         NOT NULL,
  user_id        text COLLATE "C" NOT NULL,
  other_user_id  text COLLATE "C",
  actor          jsonb            NOT NULL,
  request_id     uuid,
  detail         jsonb            NOT NULL,
  event_time     timestamptz      NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (tenant_id, epoch, xid, ordinal)
);
-- For the one reader that reads all tenants' events. Its condition always holds: only a query that
-- says it can be answered along this index, which would take one for a quiet tenant through everybody
-- else's events.
CREATE INDEX events_feed ON events (epoch, xid, ordinal) WHERE ordinal >= 0;
CREATE INDEX events_user ON events (tenant_id, user_id, epoch, xid, ordinal);
CREATE INDEX events_other_user ON events (tenant_id, other_user_id, epoch, xid, ordinal) WHERE other_user_id IS NOT NULL;

COMMENT ON TABLE events IS 'One row per change, written in its transaction: ids, versions and paths, never a value.';
COMMENT ON COLUMN events.epoch IS 'In which epoch xid counts.';
COMMENT ON COLUMN events.xid IS 'The id of the transaction, all 64 bits.';
COMMENT ON COLUMN events.ordinal IS 'Which of the events of the transaction, from 0.';
COMMENT ON COLUMN events.user_id IS 'The user that it is about.';
COMMENT ON COLUMN events.other_user_id IS 'The other side, if there are two.';
COMMENT ON COLUMN events.actor IS 'Who did it: {"kind", "issuer", "subject"} of the bearer.';
COMMENT ON COLUMN events.request_id IS 'The request id under which it was asked for.';
COMMENT ON COLUMN events.detail IS 'What happened: {"kind", …} as src/domain/event.rs has it.';

CREATE TABLE epochs (
  n           integer          NOT NULL,
  cluster     text COLLATE "C" NOT NULL,
  begin_time  timestamptz      NOT NULL DEFAULT now(),
  CONSTRAINT epochs_pkey PRIMARY KEY (n)
);
COMMENT ON TABLE epochs IS 'Transaction ids count from anew, or may be given twice, when the data come to another cluster or a standby takes over: each time an epoch begins. Of the whole database, not of a tenant.';
COMMENT ON COLUMN epochs.n IS 'Counts the epochs, from 1. The last one is now.';
COMMENT ON COLUMN epochs.cluster IS 'Where it was: the system identifier and the timeline of the cluster.';

CREATE TABLE event_floors (
  tenant_id   text COLLATE "C" NOT NULL,
  epoch       integer          NOT NULL,
  xid         bigint           NOT NULL,
  ordinal     smallint         NOT NULL,
  event_time  timestamptz      NOT NULL,
  CONSTRAINT event_floors_pkey PRIMARY KEY (tenant_id)
);
COMMENT ON TABLE event_floors IS 'The last event of a tenant that was removed because it was kept for long enough: what is behind it is there.';
