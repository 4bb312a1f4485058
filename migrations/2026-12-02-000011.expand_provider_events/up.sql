-- From when on the tokens of an identity count, and which tokens of providers were carried out.
ALTER TABLE identities ADD COLUMN tokens_valid_from timestamptz;

COMMENT ON COLUMN identities.tokens_valid_from IS
  'Tokens that name the identity are refused if they were issued before this second: its provider '
  'ended its session. NULL for no bound. It stays with the identity, whichever user owns it.';

CREATE TABLE event_tokens (
  tenant_id    text COLLATE "C" NOT NULL,
  jti_hash     bytea            NOT NULL,
  token_hash   bytea            NOT NULL,
  expire_time  timestamptz      NOT NULL,
  CONSTRAINT event_tokens_pkey PRIMARY KEY (tenant_id, jti_hash),
  CONSTRAINT event_tokens_hash_bytes
    CHECK (octet_length(jti_hash) = 32 AND octet_length(token_hash) = 32)
);
CREATE INDEX event_tokens_expire_time ON event_tokens (tenant_id, expire_time);

COMMENT ON TABLE event_tokens IS
  'One row per logout token and security event token that was carried out, so that each is carried '
  'out once by all servers together. It names no account.';
COMMENT ON COLUMN event_tokens.jti_hash IS 'SHA-256 of the provider, its issuer and the jti.';
COMMENT ON COLUMN event_tokens.token_hash IS
  'SHA-256 of the signed text: another token with this jti is refused.';
COMMENT ON COLUMN event_tokens.expire_time IS
  'From when on the token would be refused as too old. The row is removed later.';
