-- A user can let an account go: its next sign-in is a new user, and never the old one by itself. What a
-- deleted account leaves, a released one leaves as well, with the users that released it.

ALTER TABLE tombstones
  ADD COLUMN deleted      boolean NOT NULL DEFAULT true,
  ADD COLUMN released_by  text[] COLLATE "C";

-- For the erasing of a deleted user. NULLs are left out: most tombstones have no such user.
CREATE INDEX tombstones_released_by ON tombstones USING gin (released_by) WHERE released_by IS NOT NULL;

COMMENT ON TABLE tombstones IS 'What stays of a deleted user and of a released identity: keyed hashes of the ids and identities, so that the id is not given to another person and tokens of that time prove nothing.';
COMMENT ON COLUMN tombstones.delete_time IS 'When what is named was last deleted or released.';
COMMENT ON COLUMN tombstones.deleted IS 'Whether what is named was ever deleted with its user; false for an identity that was only released.';
COMMENT ON COLUMN tombstones.released_by IS 'For an identity: the ids of the users that released it, and of the users they had it from. An email never links the identity to these again. NULL if there are none; the erasing of a deleted user removes its id.';
