DROP INDEX tombstones_released_by;
ALTER TABLE tombstones DROP COLUMN deleted, DROP COLUMN released_by;
COMMENT ON TABLE tombstones IS 'What stays of a deleted user: keyed hashes of its id and of its identities, so that the id is not given to another person and tokens of that time prove nothing.';
COMMENT ON COLUMN tombstones.delete_time IS NULL;
