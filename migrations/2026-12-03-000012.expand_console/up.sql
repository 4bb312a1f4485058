-- The console: who is signing in to it, who is signed in, and which users its people looked at.
CREATE TABLE console_attempts (
  tenant_id      text COLLATE "C" NOT NULL,
  state_hash     bytea            NOT NULL,
  secret_hash    bytea            NOT NULL,
  nonce          text COLLATE "C" NOT NULL,
  pkce_verifier  text COLLATE "C" NOT NULL,
  return_to      text COLLATE "C" NOT NULL,
  expire_time    timestamptz      NOT NULL,
  CONSTRAINT console_attempts_pkey PRIMARY KEY (tenant_id, state_hash),
  CONSTRAINT console_attempts_hash_bytes
    CHECK (octet_length(state_hash) = 32 AND octet_length(secret_hash) = 32)
);
CREATE INDEX console_attempts_expire_time ON console_attempts (tenant_id, expire_time);

COMMENT ON TABLE console_attempts IS
  'One row per sign-in to the console that has begun, of all its tenants under the first of them.';
COMMENT ON COLUMN console_attempts.secret_hash IS
  'SHA-256 of the secret that the browser has in a cookie.';
COMMENT ON COLUMN console_attempts.return_to IS 'The page that is shown after the sign-in.';

CREATE TABLE console_sessions (
  tenant_id     text COLLATE "C" NOT NULL,
  token_hash    bytea            NOT NULL,
  issuer        text COLLATE "C" NOT NULL,
  subject       text COLLATE "C" NOT NULL,
  name          text COLLATE "C" NOT NULL,
  role          text COLLATE "C" NOT NULL,
  sign_in_time  timestamptz      NOT NULL,
  idle_time     timestamptz      NOT NULL,
  expire_time   timestamptz      NOT NULL,
  CONSTRAINT console_sessions_pkey PRIMARY KEY (tenant_id, token_hash),
  CONSTRAINT console_sessions_hash_bytes CHECK (octet_length(token_hash) = 32),
  CONSTRAINT console_sessions_role CHECK (role IN ('viewer', 'support', 'operator'))
);
CREATE INDEX console_sessions_expire_time ON console_sessions (tenant_id, expire_time);

COMMENT ON TABLE console_sessions IS
  'One row per person that is signed in to the console, of all its tenants under the first of them.';
COMMENT ON COLUMN console_sessions.token_hash IS
  'SHA-256 of the token that the browser has in a cookie.';
COMMENT ON COLUMN console_sessions.name IS 'The name of the person, as the provider gave it.';
COMMENT ON COLUMN console_sessions.role IS 'The highest role that the provider''s claims give.';
COMMENT ON COLUMN console_sessions.sign_in_time IS 'When the person signed in at the provider.';
COMMENT ON COLUMN console_sessions.idle_time IS
  'When the session ends, unless the person opens a page before that.';
COMMENT ON COLUMN console_sessions.expire_time IS 'When the session ends in any case.';

CREATE TABLE console_looks (
  tenant_id     text COLLATE "C" NOT NULL,
  id            uuid             NOT NULL,
  look_time     timestamptz      NOT NULL,
  expire_time   timestamptz      NOT NULL,
  session_hash  bytea            NOT NULL,
  issuer        text COLLATE "C" NOT NULL,
  subject       text COLLATE "C" NOT NULL,
  role          text COLLATE "C" NOT NULL,
  page          text COLLATE "C" NOT NULL,
  user_id       text COLLATE "C",
  reason        text COLLATE "C",
  CONSTRAINT console_looks_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX console_looks_expire_time ON console_looks (tenant_id, expire_time);
CREATE INDEX console_looks_user ON console_looks (tenant_id, user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE console_looks IS
  'One row per page of a user that a person opened in the console. It has no email.';
COMMENT ON COLUMN console_looks.session_hash IS
  'The session of the person: a reason counts until it ends.';
COMMENT ON COLUMN console_looks.issuer IS 'The issuer of the person that looked.';
COMMENT ON COLUMN console_looks.subject IS 'The person that looked, as that issuer names it.';
COMMENT ON COLUMN console_looks.user_id IS
  'The user that was looked at; NULL once the user is erased.';
COMMENT ON COLUMN console_looks.reason IS
  'Why the person looked; NULL if no reason was given, or once the user is erased.';
COMMENT ON COLUMN console_looks.expire_time IS 'From when on the row is removed.';
