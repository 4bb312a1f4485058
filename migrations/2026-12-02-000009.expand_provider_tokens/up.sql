-- The tokens that providers issued in flows, sealed, and those that are still to be revoked there.

CREATE TABLE provider_tokens (
  tenant_id    text COLLATE "C"   NOT NULL,
  provider     text COLLATE "C"   NOT NULL,
  subject      text COLLATE "C"   NOT NULL,
  issuer       text COLLATE "C"   NOT NULL,
  key_id       text COLLATE "C"   NOT NULL,
  sealed       bytea              NOT NULL,
  scopes       text[] COLLATE "C" NOT NULL,
  refreshable  boolean            NOT NULL,
  expire_time  timestamptz,
  keep_time    timestamptz        NOT NULL DEFAULT now(),
  lease_owner  uuid,
  lease_until  timestamptz,
  CONSTRAINT provider_tokens_pkey PRIMARY KEY (tenant_id, provider, subject),
  -- A link, an unlink and an undo change the owner of the identity, and with it that of the tokens.
  CONSTRAINT provider_tokens_identity FOREIGN KEY (tenant_id, provider, subject)
    REFERENCES identities (tenant_id, provider, subject) ON UPDATE CASCADE ON DELETE CASCADE
    DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT provider_tokens_sealed_bytes CHECK (octet_length(sealed) <= 32768),
  CONSTRAINT provider_tokens_lease_whole CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
CREATE INDEX provider_tokens_key ON provider_tokens (tenant_id, key_id);

COMMENT ON TABLE provider_tokens IS
  'One row per identity whose tokens of its provider are kept: those of its last flow, or of the '
  'refresh since. The identity''s owner is theirs.';
COMMENT ON COLUMN provider_tokens.issuer IS
  'The issuer of the tokens. They are sent to no other one.';
COMMENT ON COLUMN provider_tokens.key_id IS
  'Names the key of the configuration that opens them: a part of its hash.';
COMMENT ON COLUMN provider_tokens.sealed IS
  'The access token and the refresh token, sealed by AES-256-GCM. The tenant, the identity and the '
  'issuer are its associated data, so that it opens in no other row.';
COMMENT ON COLUMN provider_tokens.scopes IS 'The scopes of the access token.';
COMMENT ON COLUMN provider_tokens.refreshable IS 'Whether there is a refresh token.';
COMMENT ON COLUMN provider_tokens.expire_time IS
  'When the access token expires; NULL if the provider did not say.';
COMMENT ON COLUMN provider_tokens.keep_time IS 'When the tokens were last written.';
COMMENT ON COLUMN provider_tokens.lease_owner IS
  'The refresh that is under way: a random id. NULL if none is.';
COMMENT ON COLUMN provider_tokens.lease_until IS
  'Until when the lease holds. After that another server may refresh.';

CREATE TABLE provider_token_revocations (
  tenant_id    text COLLATE "C" NOT NULL,
  id           uuid             NOT NULL DEFAULT gen_random_uuid(),
  provider     text COLLATE "C" NOT NULL,
  issuer       text COLLATE "C" NOT NULL,
  binding      bytea            NOT NULL,
  key_id       text COLLATE "C" NOT NULL,
  sealed       bytea            NOT NULL,
  tries        integer          NOT NULL DEFAULT 0,
  next_time    timestamptz      NOT NULL DEFAULT now(),
  create_time  timestamptz      NOT NULL DEFAULT now(),
  CONSTRAINT provider_token_revocations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT provider_token_revocations_binding_bytes CHECK (octet_length(binding) = 32),
  CONSTRAINT provider_token_revocations_tries CHECK (tries >= 0)
);
CREATE INDEX provider_token_revocations_next_time
  ON provider_token_revocations (tenant_id, next_time);

COMMENT ON TABLE provider_token_revocations IS
  'One row per identity that was released or deleted, until its tokens are revoked at the provider. '
  'It does not name the identity.';
COMMENT ON COLUMN provider_token_revocations.issuer IS 'As of provider_tokens.';
COMMENT ON COLUMN provider_token_revocations.binding IS
  'A keyed hash of the identity: a part of the associated data of sealed.';
COMMENT ON COLUMN provider_token_revocations.key_id IS 'As of provider_tokens.';
COMMENT ON COLUMN provider_token_revocations.sealed IS 'As of provider_tokens.';
COMMENT ON COLUMN provider_token_revocations.tries IS 'How often it was tried.';
COMMENT ON COLUMN provider_token_revocations.next_time IS
  'When it is tried next. A server that tries sets it later first: no other one tries meanwhile.';
COMMENT ON COLUMN provider_token_revocations.create_time IS
  'When the identity was released or deleted.';
