DROP INDEX users_ancestors;
ALTER TABLE users ADD COLUMN detached_from text COLLATE "C";
UPDATE users SET detached_from = ancestors[cardinality(ancestors)] WHERE ancestors IS NOT NULL;
ALTER TABLE users DROP COLUMN ancestors;
CREATE INDEX users_detached_from ON users (tenant_id, detached_from) WHERE detached_from IS NOT NULL;
COMMENT ON COLUMN users.detached_from IS 'The user from whom this one was made by an unlink: the pair was together once, and a person took it apart.';
