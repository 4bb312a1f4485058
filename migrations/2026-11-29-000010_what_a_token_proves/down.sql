DROP INDEX users_holder;
ALTER TABLE tombstones DROP COLUMN returnable;
ALTER TABLE request_ids DROP COLUMN caller_user_id;
ALTER TABLE users DROP COLUMN spared_token, DROP COLUMN writes_valid_from;
ALTER TABLE identities
  DROP COLUMN owner_since,
  DROP COLUMN moved_by_proof,
  DROP COLUMN vouched,
  DROP COLUMN email_proven_since,
  DROP COLUMN email_proven_among,
  DROP COLUMN email_changed;
