-- A token proves what its account was when the token was issued, and an email vouches only for
-- accounts that came after it was proven. Both rules need times that the rows did not have.

ALTER TABLE identities
  ADD COLUMN owner_since         timestamptz,
  ADD COLUMN moved_by_proof      boolean NOT NULL DEFAULT false,
  ADD COLUMN vouched             boolean NOT NULL DEFAULT true,
  ADD COLUMN email_proven_since  timestamptz,
  ADD COLUMN email_proven_among  boolean NOT NULL DEFAULT false,
  ADD COLUMN email_changed       boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN identities.owner_since IS 'When the identity came to its present owner by a link, an unlink or an undo; NULL where it was created with the owner. Tokens from before only read.';
COMMENT ON COLUMN identities.moved_by_proof IS 'Whether a user''s proof moved it at owner_since: then a token of that very second counts as older.';
COMMENT ON COLUMN identities.vouched IS 'False where the identity came by a link of a user who had signed in more than ten minutes before: until an older identity signs in, this one is no fresh sign-in for what cannot be taken back.';
COMMENT ON COLUMN identities.email_proven_since IS 'Since when the provider has said, of this very address, that it is verified; later sign-ins do not renew it. NULL where the email is not verified; for a row of an earlier release email_verify_time stands in.';
COMMENT ON COLUMN identities.email_proven_among IS 'Whether its owner had an identity that had not proven this address when this one did, or when it came with it; stays when that one leaves.';
COMMENT ON COLUMN identities.email_changed IS 'Whether the account had another address, or none, when it came here.';

ALTER TABLE users
  ADD COLUMN spared_token       bytea,
  ADD COLUMN writes_valid_from  timestamptz,
  ADD CONSTRAINT users_spared_token_bytes CHECK (octet_length(spared_token) = 32);

COMMENT ON COLUMN users.spared_token IS 'SHA-256 that names the one token which stays good although it was issued before tokens_valid_from: the token that asked for the unlink.';
COMMENT ON COLUMN users.writes_valid_from IS 'When a sign-in last proved an address of an identity that was there before: user id tokens, and tokens of the other identities, from before this second only read.';

ALTER TABLE request_ids ADD COLUMN caller_user_id text COLLATE "C";
COMMENT ON COLUMN request_ids.caller_user_id IS 'The user that the caller was once the change was made; NULL for a service, and for a user that deleted itself. The answer is given again only to a caller who still is, or holds, that user.';

ALTER TABLE tombstones ADD COLUMN returnable boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tombstones.returnable IS 'For a user id provider|subject: whether that very account was the user''s own when it was deleted. Only then the id may be given again, to that account.';

-- The deferred key users_primary_is_own_identity looks up its referencing side for each identity
-- that moves: without an index it reads the whole table.
CREATE INDEX users_holder ON users (tenant_id, holder_id) WHERE holder_id IS NOT NULL;

-- What came by a link before these columns. The times are those that the rows have; where one is not
-- exact it is the later one, which refuses more.
UPDATE identities i SET owner_since = u.absorbed_time, moved_by_proof = true
  FROM users u
  WHERE u.tenant_id = i.tenant_id AND u.id = i.home_id AND u.absorbed_time IS NOT NULL;
UPDATE identities SET owner_since = attach_time, moved_by_proof = true
  WHERE attached_by_link IS NOT NULL AND owner_since IS NULL;
UPDATE identities SET email_proven_since = email_verify_time WHERE email_verified;
