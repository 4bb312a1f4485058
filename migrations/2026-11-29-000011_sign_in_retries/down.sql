DROP INDEX sign_in_attempts_owner;
DROP INDEX sign_in_attempts_identity;
ALTER TABLE sign_in_attempts
  DROP CONSTRAINT sign_in_attempts_owner_whole,
  DROP CONSTRAINT sign_in_attempts_account_whole,
  DROP CONSTRAINT sign_in_attempts_claimed_by_bytes,
  DROP COLUMN claimed_by,
  DROP COLUMN claim_time,
  DROP COLUMN interrupted,
  DROP COLUMN rejected,
  DROP COLUMN subject,
  DROP COLUMN account,
  DROP COLUMN sign_in_time,
  DROP COLUMN prove_time,
  DROP COLUMN owner_id,
  DROP COLUMN owner_version;
COMMENT ON TABLE sign_in_attempts IS 'One row per flow at a provider that has begun and not come back. It goes with who claims it.';

DROP INDEX sign_in_tickets_owner;
ALTER TABLE sign_in_tickets
  DROP CONSTRAINT sign_in_tickets_owner_whole,
  DROP CONSTRAINT sign_in_tickets_purpose,
  DROP COLUMN purpose,
  DROP COLUMN owner_id,
  DROP COLUMN owner_version,
  DROP COLUMN sign_in_time;
COMMENT ON TABLE sign_in_tickets IS 'Accounts that were just proven, and nobody''s yet: who has the ticket says whose they are. Dead as soon as somebody owns the account.';
COMMENT ON COLUMN sign_in_tickets.candidate_ids IS 'The users that it may be linked to.';
