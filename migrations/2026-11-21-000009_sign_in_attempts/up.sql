-- Flows at providers that have begun: what is needed when they come back, once, for ten minutes.
CREATE TABLE sign_in_attempts (
  tenant_id      text COLLATE "C" NOT NULL,
  state_hash     bytea            NOT NULL,
  secret_hash    bytea            NOT NULL,
  provider       text COLLATE "C" NOT NULL,
  user_id        text COLLATE "C",
  nonce          text             NOT NULL,
  pkce_verifier  text             NOT NULL,
  redirect_uri   text             NOT NULL,
  max_age        bigint,
  expire_time    timestamptz      NOT NULL,
  CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (tenant_id, state_hash),
  CONSTRAINT sign_in_attempts_hash_bytes CHECK (octet_length(state_hash) = 32 AND octet_length(secret_hash) = 32),
  CONSTRAINT sign_in_attempts_max_age CHECK (max_age >= 0)
);
CREATE INDEX sign_in_attempts_expire_time ON sign_in_attempts (tenant_id, expire_time);
CREATE INDEX sign_in_attempts_user ON sign_in_attempts (tenant_id, user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE sign_in_attempts IS 'One row per flow at a provider that has begun and not come back. It goes with who claims it.';
COMMENT ON COLUMN sign_in_attempts.state_hash IS 'SHA-256 of the state that travels by way of the provider, which is kept nowhere.';
COMMENT ON COLUMN sign_in_attempts.secret_hash IS 'SHA-256 of the secret in the cookie of the browser that began it, which is kept nowhere.';
COMMENT ON COLUMN sign_in_attempts.user_id IS 'To whom the account is to be linked; NULL where somebody signs in.';
COMMENT ON COLUMN sign_in_attempts.nonce IS 'Comes back in the ID token.';
COMMENT ON COLUMN sign_in_attempts.pkce_verifier IS 'Makes a code worthless for whoever else has it.';
COMMENT ON COLUMN sign_in_attempts.redirect_uri IS 'Where the provider was told to send the browser.';
COMMENT ON COLUMN sign_in_attempts.max_age IS 'For how many seconds at most the person may have been signed in there.';
COMMENT ON COLUMN sign_in_attempts.expire_time IS 'From when on it means nothing; the row is swept later.';
