-- It fails if there is an alias: without the column, an alias would be a user that no link absorbed.
-- To reverse it all the same, delete the aliases, and so the former ids, first.
ALTER TABLE users
  DROP CONSTRAINT users_absorbed_whole,
  ADD CONSTRAINT users_absorbed_whole CHECK (
    (absorbed_into IS NULL) = (absorbed_by_link IS NULL)
    AND (absorbed_into IS NULL) = (absorbed_time IS NULL));
ALTER TABLE users DROP COLUMN alias_of;
COMMENT ON COLUMN users.absorbed_by_link IS
  'The link that absorbed this very row. It stays when a later link changes absorbed_into.';
-- An import that runs again counts the users of the lost run as present.
DROP TABLE import_runs;
