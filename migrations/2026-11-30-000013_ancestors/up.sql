-- A user that was made by an unlink may itself be unlinked from. A released account is linked to none of these by its
-- email, however far they have gone, so that each keeps the whole way back, and one user between two others may be deleted.

ALTER TABLE users ADD COLUMN ancestors text[] COLLATE "C";
UPDATE users SET ancestors = ARRAY[detached_from] WHERE detached_from IS NOT NULL;
DROP INDEX users_detached_from;
ALTER TABLE users DROP COLUMN detached_from;

-- For the erasing of a deleted user. NULLs are left out: most users were made by no unlink.
CREATE INDEX users_ancestors ON users USING gin (ancestors) WHERE ancestors IS NOT NULL;

COMMENT ON COLUMN users.ancestors IS 'For a user that was made by an unlink: the users that its identity came from, which are its origin user and its holder, each after its own ancestors. NULL for other users; the erasing of a deleted user removes its id.';
