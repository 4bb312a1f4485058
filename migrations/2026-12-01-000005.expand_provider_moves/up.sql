-- The history of providers that got another issuer.

CREATE TABLE provider_moves (
  tenant_id       text COLLATE "C" NOT NULL,
  id              uuid             NOT NULL,
  provider        text COLLATE "C" NOT NULL,
  from_issuer     text COLLATE "C" NOT NULL,
  to_issuer       text COLLATE "C" NOT NULL,
  operator        text             NOT NULL,
  mapping         bytea,
  keeps_unmapped  boolean          NOT NULL,
  rows            bigint           NOT NULL,
  renamed         bigint           NOT NULL,
  kept            bigint           NOT NULL,
  deleted         bigint           NOT NULL,
  unknown         bigint           NOT NULL,
  begin_time      timestamptz      NOT NULL,
  end_time        timestamptz,
  CONSTRAINT provider_moves_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT provider_moves_issuers CHECK (from_issuer <> to_issuer),
  CONSTRAINT provider_moves_mapping_bytes CHECK (octet_length(mapping) = 32),
  CONSTRAINT provider_moves_counts CHECK (
    least(rows, renamed, kept, deleted, unknown) >= 0
    AND rows <= renamed + kept + deleted + unknown)
);
CREATE UNIQUE INDEX provider_moves_unfinished ON provider_moves (tenant_id, provider)
  WHERE end_time IS NULL;

COMMENT ON TABLE provider_moves IS
  'One row per move of a provider to another issuer. Rows stay: they say under which issuers the '
  'accounts of a provider were before. A connection of the service counts them, so that a server '
  'judges its issuers again after each move.';
COMMENT ON COLUMN provider_moves.from_issuer IS 'The issuer that was pinned before.';
COMMENT ON COLUMN provider_moves.to_issuer IS 'The issuer that is pinned after the move.';
COMMENT ON COLUMN provider_moves.operator IS 'The role of the database that the command used.';
COMMENT ON COLUMN provider_moves.mapping IS
  'SHA-256 of the file of new subjects, by which the same command continues a move; NULL if all '
  'accounts kept their subjects.';
COMMENT ON COLUMN provider_moves.keeps_unmapped IS
  'Whether accounts that the file does not name kept their subjects.';
COMMENT ON COLUMN provider_moves.rows IS
  'The settled rows of the file, counted from its beginning: each batch writes this with its '
  'accounts.';
COMMENT ON COLUMN provider_moves.renamed IS 'The accounts that got another subject.';
COMMENT ON COLUMN provider_moves.kept IS 'The accounts that kept their subject.';
COMMENT ON COLUMN provider_moves.deleted IS
  'The rows whose account was deleted or released: the tombstone got the new name too.';
COMMENT ON COLUMN provider_moves.unknown IS 'The rows that named no account.';
COMMENT ON COLUMN provider_moves.begin_time IS 'When the move began.';
COMMENT ON COLUMN provider_moves.end_time IS
  'When the new issuer was pinned; NULL while the accounts are renamed. Until then no server serves '
  'the tenant.';
COMMENT ON COLUMN provider_issuers.issuer IS
  'The issuer. While a move renames the accounts, it is a text that no issuer has, so that no '
  'server starts with either issuer.';
