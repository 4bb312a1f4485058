-- What a first sign-in leaves that may be somebody already: an account that was just proven, for a few
-- minutes, until whoever it is has said who.
CREATE TABLE sign_in_tickets (
  tenant_id           text COLLATE "C"   NOT NULL,
  hash                bytea              NOT NULL,
  provider            text COLLATE "C"   NOT NULL,
  subject             text COLLATE "C"   NOT NULL,
  account             jsonb              NOT NULL,
  candidate_ids       text[] COLLATE "C" NOT NULL,
  candidate_versions  bigint[]           NOT NULL,
  issue_time          timestamptz        NOT NULL,
  expire_time         timestamptz        NOT NULL,
  CONSTRAINT sign_in_tickets_pkey PRIMARY KEY (tenant_id, hash),
  CONSTRAINT sign_in_tickets_hash_bytes CHECK (octet_length(hash) = 32),
  CONSTRAINT sign_in_tickets_candidates_whole CHECK (cardinality(candidate_ids) = cardinality(candidate_versions))
);
CREATE INDEX sign_in_tickets_identity ON sign_in_tickets (tenant_id, provider, subject);
CREATE INDEX sign_in_tickets_expire_time ON sign_in_tickets (tenant_id, expire_time);
CREATE INDEX sign_in_tickets_candidates ON sign_in_tickets USING gin (candidate_ids);

COMMENT ON TABLE sign_in_tickets IS 'Accounts that were just proven, and nobody''s yet: who has the ticket says whose they are. Dead as soon as somebody owns the account.';
COMMENT ON COLUMN sign_in_tickets.hash IS 'SHA-256 of the ticket, which is kept nowhere.';
COMMENT ON COLUMN sign_in_tickets.account IS 'What the provider told of the account: {"connection", "email", "profile_data"}.';
COMMENT ON COLUMN sign_in_tickets.candidate_ids IS 'The users that it may be linked to.';
COMMENT ON COLUMN sign_in_tickets.candidate_versions IS 'Their versions then: a link or an unlink since makes the ticket worthless for whom it touched.';

ALTER TABLE users ADD COLUMN identities_version bigint NOT NULL DEFAULT 1;
COMMENT ON COLUMN users.identities_version IS 'The version that the user was given when it last gained or lost an identity.';
