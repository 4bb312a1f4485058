-- Every key begins with tenant_id and no foreign key crosses tenants, so that the
-- schema can be distributed by tenant. Keys are COLLATE "C": compared byte by byte.

CREATE TABLE users (
  tenant_id           text COLLATE "C" NOT NULL,
  id                  text COLLATE "C" NOT NULL,
  version             bigint           NOT NULL DEFAULT 1,
  create_time         timestamptz      NOT NULL,
  update_time         timestamptz      NOT NULL,
  absorbed_into       text COLLATE "C",
  absorbed_by_link    uuid,
  absorbed_time       timestamptz,
  primary_provider    text COLLATE "C" NOT NULL,
  primary_subject     text COLLATE "C" NOT NULL,
  user_metadata       jsonb            NOT NULL DEFAULT '{}',
  app_metadata        jsonb            NOT NULL DEFAULT '{}',
  profile_overrides   jsonb            NOT NULL DEFAULT '{}',
  blocked             boolean          NOT NULL DEFAULT false,
  tokens_valid_from   timestamptz,
  detached_from       text COLLATE "C",
  live                boolean          NOT NULL GENERATED ALWAYS AS (absorbed_into IS NULL) STORED,
  absorber_must_live  boolean          NOT NULL GENERATED ALWAYS AS (true) STORED,
  holder_id           text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN absorbed_into IS NULL THEN id END) STORED,
  CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT users_id_live_key UNIQUE (tenant_id, id, live),
  CONSTRAINT users_id_form CHECK (id ~ '^[\x21-\x7e]{1,255}$'),
  CONSTRAINT users_version_positive CHECK (version > 0),
  CONSTRAINT users_absorbed_whole CHECK (
    (absorbed_into IS NULL) = (absorbed_by_link IS NULL)
    AND (absorbed_into IS NULL) = (absorbed_time IS NULL)),
  CONSTRAINT users_metadata_objects CHECK (
    jsonb_typeof(user_metadata) = 'object'
    AND jsonb_typeof(app_metadata) = 'object'
    AND jsonb_typeof(profile_overrides) = 'object')
);
CREATE INDEX users_absorbed_into ON users (tenant_id, absorbed_into) WHERE absorbed_into IS NOT NULL;
CREATE INDEX users_detached_from ON users (tenant_id, detached_from) WHERE detached_from IS NOT NULL;

COMMENT ON TABLE users IS 'One row per person; absorbed users keep their row, whole, so that an unlink can bring them back.';
COMMENT ON COLUMN users.version IS 'Counts the changes of this user, from 1.';
COMMENT ON COLUMN users.absorbed_into IS 'The user that holds this one now; always a live user (one hop). NULL for a live user.';
COMMENT ON COLUMN users.absorbed_by_link IS 'The link that absorbed this very row; stays when a later link re-points absorbed_into.';
COMMENT ON COLUMN users.absorbed_time IS 'Since when absorbed_into has been what it is.';
COMMENT ON COLUMN users.primary_provider IS 'With primary_subject: the primary identity. For an absorbed user, the one it had.';
COMMENT ON COLUMN users.tokens_valid_from IS 'Tokens issued before this second are refused.';
COMMENT ON COLUMN users.detached_from IS 'The user from whom this one was made by an unlink: the pair was together once, and a person took it apart.';
COMMENT ON COLUMN users.live IS 'Whether the user is not absorbed; what foreign keys point to.';
COMMENT ON COLUMN users.absorber_must_live IS 'The constant true, so that a foreign key can demand a live absorber.';
COMMENT ON COLUMN users.holder_id IS 'The id of a live user, NULL otherwise: only live users must have a primary identity.';

CREATE TABLE identities (
  tenant_id           text COLLATE "C" NOT NULL,
  provider            text COLLATE "C" NOT NULL,
  subject             text COLLATE "C" NOT NULL,
  owner_id            text COLLATE "C" NOT NULL,
  home_id             text COLLATE "C" NOT NULL,
  ordinal             integer          NOT NULL,
  connection          text             NOT NULL,
  social              boolean          NOT NULL,
  email               text,
  email_canonical     text COLLATE "C",
  email_verified      boolean          NOT NULL DEFAULT false,
  email_verify_time   timestamptz,
  email_verifier      jsonb,
  profile_data        jsonb            NOT NULL DEFAULT '{}',
  attach_time         timestamptz      NOT NULL,
  attached_by_link    uuid,
  owner_must_live     boolean          NOT NULL GENERATED ALWAYS AS (true) STORED,
  CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, provider, subject),
  CONSTRAINT identities_owner_key UNIQUE (tenant_id, owner_id, provider, subject),
  CONSTRAINT identities_provider_form CHECK (provider ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  CONSTRAINT identities_subject_bytes CHECK (octet_length(subject) BETWEEN 1 AND 255),
  CONSTRAINT identities_email_whole CHECK (email IS NOT NULL OR email_canonical IS NULL),
  CONSTRAINT identities_email_verified_whole CHECK (
    email_verified = (email_verify_time IS NOT NULL)
    AND email_verified = (email_verifier IS NOT NULL)
    AND (email_canonical IS NOT NULL OR NOT email_verified)),
  CONSTRAINT identities_profile_object CHECK (jsonb_typeof(profile_data) = 'object')
);
CREATE INDEX identities_email ON identities (tenant_id, email_canonical, owner_id) WHERE email_canonical IS NOT NULL;

COMMENT ON TABLE identities IS 'One row per account at a provider; the primary key is the promise that it has one owner.';
COMMENT ON COLUMN identities.owner_id IS 'The live user that owns the identity now.';
COMMENT ON COLUMN identities.home_id IS 'The user it belonged to before any link moved it: the owner, or a user that the owner absorbed.';
COMMENT ON COLUMN identities.ordinal IS 'The order of a user''s identities; gaps are fine.';
COMMENT ON COLUMN identities.email_canonical IS 'What the email is found by: NFC, lower case, domain in ASCII by IDNA. Made in Rust, once. NULL if there is no email, or none that parses.';
COMMENT ON COLUMN identities.email_verifier IS 'On whose word the email is verified: {"kind": "issuer", "issuer"} of a token, or {"kind": "service", "issuer", "subject"}.';
COMMENT ON COLUMN identities.attach_time IS 'When the identity came to its home.';
COMMENT ON COLUMN identities.attached_by_link IS 'The link that attached the identity when nobody owned it; NULL for one that came with a user, or that has left since.';
COMMENT ON COLUMN identities.owner_must_live IS 'The constant true, so that a foreign key can demand a live owner.';

CREATE TABLE links (
  tenant_id          text COLLATE "C" NOT NULL,
  id                 uuid             NOT NULL,
  primary_id         text COLLATE "C" NOT NULL,
  secondary_id       text COLLATE "C",
  primary_version    bigint           NOT NULL,
  secondary_version  bigint,
  terms              jsonb            NOT NULL,
  moved              jsonb            NOT NULL,
  changes            jsonb            NOT NULL,
  withheld           jsonb            NOT NULL DEFAULT '{}',
  actor              jsonb            NOT NULL,
  proof              jsonb            NOT NULL,
  proof_hash         bytea,
  link_time          timestamptz      NOT NULL,
  undo_time          timestamptz,
  undo_actor         jsonb,
  CONSTRAINT links_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT links_proof_hash_key UNIQUE (tenant_id, proof_hash),
  CONSTRAINT links_proof_hash_bytes CHECK (octet_length(proof_hash) = 32),
  CONSTRAINT links_undone_whole CHECK ((undo_time IS NULL) = (undo_actor IS NULL))
);
CREATE INDEX links_primary ON links (tenant_id, primary_id, link_time DESC);
CREATE INDEX links_secondary ON links (tenant_id, secondary_id, link_time DESC) WHERE secondary_id IS NOT NULL;

COMMENT ON TABLE links IS 'One row per link: its history, what its merge changed, that the pair was linked once, and that its proof is used up.';
COMMENT ON COLUMN links.primary_id IS 'The user that absorbed, or to whom the identity was attached; "deleted:" and its keyed hash once it is deleted.';
COMMENT ON COLUMN links.secondary_id IS 'The absorbed user, or "deleted:" and its keyed hash; for an identity that nobody owned and that was attached, NULL until it leaves, then the user that it left for.';
COMMENT ON COLUMN links.primary_version IS 'The version that the link gave the primary user: orders the links of one user.';
COMMENT ON COLUMN links.secondary_version IS 'The version that the link gave the secondary user.';
COMMENT ON COLUMN links.terms IS 'What was asked for: {"user_metadata", "app_metadata": {"strategy", "conflict", "arrays"}, "require_shared_verified_email"}.';
COMMENT ON COLUMN links.moved IS 'The identities that moved: [{"provider", "subject"}].';
COMMENT ON COLUMN links.changes IS 'What the merge changed in the primary: {"user_metadata": [{"path", "before", "after"}], "app_metadata": […]}; an absent "before" means that nothing was there.';
COMMENT ON COLUMN links.withheld IS 'Metadata that an unlink did not give back: {"user_metadata", "app_metadata"}, each present only if withheld.';
COMMENT ON COLUMN links.actor IS 'Who made the link: {"kind", "issuer", "subject"} of the bearer.';
COMMENT ON COLUMN links.proof IS 'On what proof: {"kind": "token", "issuer", "subject"} or {"kind": "service"}.';
COMMENT ON COLUMN links.proof_hash IS 'SHA-256 that names the token given as proof; unique, so that a token makes one link.';

CREATE TABLE tombstones (
  tenant_id    text COLLATE "C" NOT NULL,
  id_hash      bytea            NOT NULL,
  delete_time  timestamptz      NOT NULL,
  CONSTRAINT tombstones_pkey PRIMARY KEY (tenant_id, id_hash),
  CONSTRAINT tombstones_hash_bytes CHECK (octet_length(id_hash) = 32)
);
COMMENT ON TABLE tombstones IS 'What stays of a deleted user: keyed hashes of its id and of its identities, so that the id is not given to another person and tokens of that time prove nothing.';

CREATE TABLE provider_issuers (
  tenant_id  text COLLATE "C" NOT NULL,
  provider   text COLLATE "C" NOT NULL,
  issuer     text COLLATE "C" NOT NULL,
  pin_time   timestamptz      NOT NULL,
  CONSTRAINT provider_issuers_pkey PRIMARY KEY (tenant_id, provider)
);
COMMENT ON TABLE provider_issuers IS 'The issuer of each provider, pinned at first use: another issuer''s subjects would be other people.';

CREATE TABLE tenant_keys (
  tenant_id  text COLLATE "C" NOT NULL,
  key        bytea            NOT NULL,
  CONSTRAINT tenant_keys_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT tenant_keys_bytes CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE tenant_keys IS 'One random key per tenant, made at first use: for the hashes in tombstones and the MACs of page tokens.';
