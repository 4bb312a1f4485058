-- A ticket says what it is for. An attempt that was claimed under a request id stays until it expires, with the
-- account that it proved, so that a retry goes on where the first call was cut short.

ALTER TABLE sign_in_tickets
  ADD COLUMN purpose        text COLLATE "C" NOT NULL DEFAULT 'candidates',
  ADD COLUMN owner_id       text COLLATE "C",
  ADD COLUMN owner_version  bigint,
  ADD COLUMN sign_in_time   timestamptz,
  ADD CONSTRAINT sign_in_tickets_purpose CHECK (purpose IN ('candidates', 'sign_in', 'registration', 'link')),
  ADD CONSTRAINT sign_in_tickets_owner_whole CHECK ((owner_id IS NULL) = (owner_version IS NULL));
CREATE INDEX sign_in_tickets_owner ON sign_in_tickets (tenant_id, owner_id) WHERE owner_id IS NOT NULL;

COMMENT ON TABLE sign_in_tickets IS 'Accounts that were just proven, for whoever has the ticket, for one purpose. Dead as soon as the account is somebody else''s.';
COMMENT ON COLUMN sign_in_tickets.purpose IS '"candidates": to link it as one of them, or to be a user of its own; "sign_in": to sign in after a preview; "registration": the same, as a new user where the tenant wants to be asked; "link": to link it after a preview.';
COMMENT ON COLUMN sign_in_tickets.candidate_ids IS 'The users that it may be linked to; for "link" the one that began to.';
COMMENT ON COLUMN sign_in_tickets.owner_id IS 'The user that owned the account; NULL if no user did.';
COMMENT ON COLUMN sign_in_tickets.owner_version IS 'The version at which the owner had last gained or lost an identity.';
COMMENT ON COLUMN sign_in_tickets.sign_in_time IS 'When the person signed in at the account; for a row of an earlier release issue_time stands in.';

ALTER TABLE sign_in_attempts
  ADD COLUMN claimed_by     bytea,
  ADD COLUMN claim_time     timestamptz,
  ADD COLUMN interrupted    boolean NOT NULL DEFAULT false,
  ADD COLUMN rejected       boolean NOT NULL DEFAULT false,
  ADD COLUMN subject        text COLLATE "C",
  ADD COLUMN account        jsonb,
  ADD COLUMN sign_in_time   timestamptz,
  ADD COLUMN prove_time     timestamptz,
  ADD COLUMN owner_id       text COLLATE "C",
  ADD COLUMN owner_version  bigint,
  ADD CONSTRAINT sign_in_attempts_claimed_by_bytes CHECK (octet_length(claimed_by) = 32),
  ADD CONSTRAINT sign_in_attempts_account_whole CHECK
    ((subject IS NULL) = (account IS NULL) AND (subject IS NULL) = (prove_time IS NULL)
      AND (subject IS NULL) = (sign_in_time IS NULL)),
  ADD CONSTRAINT sign_in_attempts_owner_whole CHECK ((owner_id IS NULL) = (owner_version IS NULL));
CREATE INDEX sign_in_attempts_identity ON sign_in_attempts (tenant_id, provider, subject) WHERE subject IS NOT NULL;
CREATE INDEX sign_in_attempts_owner ON sign_in_attempts (tenant_id, owner_id) WHERE owner_id IS NOT NULL;

COMMENT ON TABLE sign_in_attempts IS 'One row per flow at a provider that has begun. A call without a request id takes it away; one with a request id claims it, and it stays until it expires.';
COMMENT ON COLUMN sign_in_attempts.claimed_by IS 'SHA-256 of the caller, the request id and the request that claimed it: no other goes on with it.';
COMMENT ON COLUMN sign_in_attempts.claim_time IS 'When a call began to exchange the code; NULL before, and once such a call has said that it could not.';
COMMENT ON COLUMN sign_in_attempts.interrupted IS 'Whether a call that exchanged the code never said what came of it: the provider may have taken the code.';
COMMENT ON COLUMN sign_in_attempts.rejected IS 'Whether the provider rejected the code, or its answer did not hold.';
COMMENT ON COLUMN sign_in_attempts.subject IS 'Whose account at the provider was proven; NULL until one was.';
COMMENT ON COLUMN sign_in_attempts.account IS 'What the provider told of the account: {"connection", "email", "profile_data"}.';
COMMENT ON COLUMN sign_in_attempts.sign_in_time IS 'When the person signed in there, as the provider tells it.';
COMMENT ON COLUMN sign_in_attempts.prove_time IS 'When it was proven: not after the beginning of the call.';
COMMENT ON COLUMN sign_in_attempts.owner_id IS 'The user that owned the account when it was proven; NULL if no user did.';
COMMENT ON COLUMN sign_in_attempts.owner_version IS 'The version at which the owner had last gained or lost an identity.';
