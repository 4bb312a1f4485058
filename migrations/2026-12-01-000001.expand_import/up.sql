-- What an import stores beside users and identities: where it is, and the former ids of its users.

CREATE TABLE import_runs (
  tenant_id     text COLLATE "C" NOT NULL,
  id            uuid             NOT NULL,
  rows          bigint           NOT NULL,
  created       bigint           NOT NULL,
  present       bigint           NOT NULL,
  skipped       bigint           NOT NULL,
  refused       bigint           NOT NULL,
  report_bytes  bigint           NOT NULL,
  ids_bytes     bigint           NOT NULL,
  begin_time    timestamptz      NOT NULL,
  update_time   timestamptz      NOT NULL,
  end_time      timestamptz,
  CONSTRAINT import_runs_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT import_runs_counts CHECK (
    least(created, present, skipped, refused, report_bytes, ids_bytes) >= 0
    AND rows = created + present + skipped + refused)
);

COMMENT ON TABLE import_runs IS
  'One row per import: its position in the input, which each batch writes with its users. An import '
  'that was interrupted continues from there.';
COMMENT ON COLUMN import_runs.rows IS
  'The settled rows, counted from the beginning of the input: each has one of the four outcomes.';
COMMENT ON COLUMN import_runs.created IS 'The rows whose user was created.';
COMMENT ON COLUMN import_runs.present IS 'The rows whose user was there already.';
COMMENT ON COLUMN import_runs.skipped IS 'The rows that are no user by the word of their source.';
COMMENT ON COLUMN import_runs.refused IS 'The rows that were refused.';
COMMENT ON COLUMN import_runs.report_bytes IS
  'The length of the report up to the last settled row, in bytes. What follows it is written again.';
COMMENT ON COLUMN import_runs.ids_bytes IS
  'The same for the file of new ids.';
COMMENT ON COLUMN import_runs.begin_time IS 'When the import began.';
COMMENT ON COLUMN import_runs.update_time IS 'When the last batch was committed.';
COMMENT ON COLUMN import_runs.end_time IS
  'When the last row of the input was settled; NULL before.';

-- An alias is an absorbed user without a link: a former id of an imported user. Before this, each
-- absorbed user had a link, so all rows satisfy the new condition.
ALTER TABLE users ADD COLUMN alias_of text COLLATE "C";
ALTER TABLE users
  DROP CONSTRAINT users_absorbed_whole,
  ADD CONSTRAINT users_absorbed_whole CHECK (
    (absorbed_into IS NULL) = (absorbed_time IS NULL)
    AND num_nonnulls(absorbed_by_link, alias_of) = num_nonnulls(absorbed_into)) NOT VALID;

COMMENT ON COLUMN users.alias_of IS
  'For an alias: the imported user that it is a former id of. The alias always has the holder of '
  'that user, and goes with it. NULL for a user that signed in or was created, absorbed or not.';
COMMENT ON COLUMN users.absorbed_by_link IS
  'The link that absorbed this very row. It stays when a later link changes absorbed_into. NULL for '
  'a live user, and for an alias, which no link absorbed.';
