-- The schema of the first release.
--
-- Every key begins with tenant_id and no foreign key crosses tenants, so that the schema can be
-- distributed by tenant. Keys are COLLATE "C": they are compared byte by byte.
--
-- A GIN index has few entries per row here, and no list of pending ones (fastupdate): each look-up
-- would read all of that list, and now and then one writer would have to move it into the index.

-- Users and identities

CREATE TABLE users (
  tenant_id           text COLLATE "C"   NOT NULL,
  id                  text COLLATE "C"   NOT NULL,
  version             bigint             NOT NULL DEFAULT 1,
  identities_version  bigint             NOT NULL DEFAULT 1,
  create_time         timestamptz        NOT NULL,
  update_time         timestamptz        NOT NULL,
  absorbed_into       text COLLATE "C",
  absorbed_by_link    uuid,
  absorbed_time       timestamptz,
  ancestors           text[] COLLATE "C",
  primary_provider    text COLLATE "C"   NOT NULL,
  primary_subject     text COLLATE "C"   NOT NULL,
  user_metadata       jsonb              NOT NULL DEFAULT '{}',
  app_metadata        jsonb              NOT NULL DEFAULT '{}',
  profile_overrides   jsonb              NOT NULL DEFAULT '{}',
  blocked             boolean            NOT NULL DEFAULT false,
  tokens_valid_from   timestamptz,
  spared_token        bytea,
  writes_valid_from   timestamptz,
  live_id             text COLLATE "C"
    GENERATED ALWAYS AS (CASE WHEN absorbed_into IS NULL THEN id END) STORED,
  CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT users_live_id_key UNIQUE (tenant_id, live_id),
  -- Each change of a row repeats its checks. In a regular expression, a bound such as {1,255} would
  -- make that take longer than the change.
  CONSTRAINT users_id_form CHECK (id ~ '^[\x21-\x7e]+$' AND octet_length(id) <= 255),
  CONSTRAINT users_version_positive CHECK (version > 0),
  CONSTRAINT users_absorbed_whole CHECK (
    (absorbed_into IS NULL) = (absorbed_by_link IS NULL)
    AND (absorbed_into IS NULL) = (absorbed_time IS NULL)),
  CONSTRAINT users_metadata_objects CHECK (
    jsonb_typeof(user_metadata) = 'object'
    AND jsonb_typeof(app_metadata) = 'object'
    AND jsonb_typeof(profile_overrides) = 'object'),
  CONSTRAINT users_spared_token_bytes CHECK (octet_length(spared_token) = 32)
);
CREATE INDEX users_absorbed_into ON users (tenant_id, absorbed_into)
  WHERE absorbed_into IS NOT NULL;
-- Live users in the order in which they were created. Its columns change only when a user becomes
-- live or ceases to be: no sign-in and no change of a profile writes to it. It takes about 70 bytes
-- per user.
CREATE INDEX users_create_time ON users (tenant_id, create_time, live_id)
  WHERE live_id IS NOT NULL;
-- For the erasing of a deleted user. NULLs are left out: an unlink made only few users.
CREATE INDEX users_ancestors ON users USING gin (ancestors) WITH (fastupdate = off)
  WHERE ancestors IS NOT NULL;

COMMENT ON TABLE users IS
  'One row per person. Absorbed users keep their whole row, so that an unlink can bring them back.';
COMMENT ON COLUMN users.version IS 'Counts the changes of this user, from 1.';
COMMENT ON COLUMN users.identities_version IS
  'The version of the user after it last gained or lost an identity.';
COMMENT ON COLUMN users.absorbed_into IS
  'The user that holds this one now; always a live user (one hop). NULL for a live user.';
COMMENT ON COLUMN users.absorbed_by_link IS
  'The link that absorbed this very row. It stays when a later link changes absorbed_into.';
COMMENT ON COLUMN users.absorbed_time IS 'When absorbed_into last changed.';
COMMENT ON COLUMN users.ancestors IS
  'For a user that an unlink made: the users that its identity came from, which are its origin '
  'user and its holder, each after its own ancestors. A released account is linked to none of them '
  'by its email, even after a user between two others was deleted. NULL for other users. The '
  'erasing of a deleted user removes its id.';
COMMENT ON COLUMN users.primary_provider IS
  'With primary_subject: the primary identity. For an absorbed user, the one that it had.';
COMMENT ON COLUMN users.tokens_valid_from IS 'Tokens issued before this second are refused.';
COMMENT ON COLUMN users.spared_token IS
  'SHA-256 that names the one token which stays valid although it was issued before '
  'tokens_valid_from: the token of the caller that asked for the unlink.';
COMMENT ON COLUMN users.writes_valid_from IS
  'When a sign-in last proved an address of an identity that was there before. User id tokens, and '
  'tokens of the other identities, only read if they were issued before this second.';
COMMENT ON COLUMN users.live_id IS
  'The id of a live user, NULL of an absorbed one. A foreign key that points to it demands a live '
  'user. One that points from it concerns live users only, and finds them by its index.';

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
  email_proven_since  timestamptz,
  email_proven_among  boolean          NOT NULL DEFAULT false,
  email_changed       boolean          NOT NULL DEFAULT false,
  profile_data        jsonb            NOT NULL DEFAULT '{}',
  attach_time         timestamptz      NOT NULL,
  attached_by_link    uuid,
  owner_since         timestamptz,
  moved_by_proof      boolean          NOT NULL DEFAULT false,
  vouched             boolean          NOT NULL DEFAULT true,
  CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, provider, subject),
  CONSTRAINT identities_owner_key UNIQUE (tenant_id, owner_id, provider, subject),
  CONSTRAINT identities_provider_form CHECK (
    provider ~ '^[a-z0-9][a-z0-9._-]*$' AND octet_length(provider) <= 64),
  CONSTRAINT identities_subject_bytes CHECK (octet_length(subject) BETWEEN 1 AND 255),
  CONSTRAINT identities_email_whole CHECK (email IS NOT NULL OR email_canonical IS NULL),
  CONSTRAINT identities_email_verified_whole CHECK (
    email_verified = (email_verify_time IS NOT NULL)
    AND email_verified = (email_verifier IS NOT NULL)
    AND (email_canonical IS NOT NULL OR NOT email_verified)),
  CONSTRAINT identities_profile_object CHECK (jsonb_typeof(profile_data) = 'object')
);
CREATE INDEX identities_email ON identities (tenant_id, email_canonical, owner_id)
  WHERE email_canonical IS NOT NULL;

COMMENT ON TABLE identities IS
  'One row per account at a provider. The primary key ensures that it has one owner.';
COMMENT ON COLUMN identities.owner_id IS 'The live user that owns the identity now.';
COMMENT ON COLUMN identities.home_id IS
  'The origin user: the user that the identity belonged to before any link moved it. It is the '
  'owner, or a user that the owner absorbed.';
COMMENT ON COLUMN identities.ordinal IS 'The order of a user''s identities; gaps are allowed.';
COMMENT ON COLUMN identities.email_canonical IS
  'The form by which the email is found: NFC, lower case, domain in ASCII by IDNA. Made in Rust, '
  'once. NULL if there is no email, or none that parses.';
COMMENT ON COLUMN identities.email_verifier IS
  'The party that claims the email to be verified: {"kind": "issuer", "issuer"} of a token, or '
  '{"kind": "service", "issuer", "subject"}.';
COMMENT ON COLUMN identities.email_proven_since IS
  'Since when the provider has claimed this same address to be verified; later sign-ins do not '
  'renew it. NULL where the email is not verified.';
COMMENT ON COLUMN identities.email_proven_among IS
  'Whether the owner had an identity without a proof of this address when this identity proved it, '
  'or came with it. It stays true after that identity has left.';
COMMENT ON COLUMN identities.email_changed IS
  'Whether the account had another address, or none, when it was added to its origin user.';
COMMENT ON COLUMN identities.attach_time IS 'When the identity was added to its origin user.';
COMMENT ON COLUMN identities.attached_by_link IS
  'The link that attached the identity while it had no owner. NULL for one that came with a user, '
  'or that has left since.';
COMMENT ON COLUMN identities.owner_since IS
  'When the identity came to its present owner by a link, an unlink or an undo. Tokens from before '
  'only read. NULL where it was created with the owner.';
COMMENT ON COLUMN identities.moved_by_proof IS
  'Whether a user''s proof moved it at owner_since. If so, a token issued in that same second '
  'counts as older.';
COMMENT ON COLUMN identities.vouched IS
  'False where a user linked the identity with a sign-in that was more than ten minutes old. Until '
  'an older identity signs in, a sign-in at this one is not fresh for irreversible calls.';

-- Invariants that span rows. They are judged at COMMIT, since a link passes through states that
-- break them. A violation there is a fault of this service, never of a caller.

-- An absorbed user points to a live user: one hop, no cycle.
ALTER TABLE users ADD CONSTRAINT users_absorber_is_live
  FOREIGN KEY (tenant_id, absorbed_into)
  REFERENCES users (tenant_id, live_id) DEFERRABLE INITIALLY DEFERRED;

-- An identity belongs to a live user.
ALTER TABLE identities ADD CONSTRAINT identities_owner_is_live
  FOREIGN KEY (tenant_id, owner_id)
  REFERENCES users (tenant_id, live_id) DEFERRABLE INITIALLY DEFERRED;

-- A live user has exactly one primary identity, which is its own. So it has at least one identity.
ALTER TABLE users ADD CONSTRAINT users_primary_is_own_identity
  FOREIGN KEY (tenant_id, live_id, primary_provider, primary_subject)
  REFERENCES identities (tenant_id, owner_id, provider, subject) DEFERRABLE INITIALLY DEFERRED;

-- Links

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
  effects            jsonb            NOT NULL DEFAULT '{}',
  withheld           jsonb            NOT NULL DEFAULT '{}',
  discard_time       timestamptz,
  actor              jsonb            NOT NULL,
  proof              jsonb            NOT NULL,
  proof_hash         bytea,
  request_id         uuid,
  link_time          timestamptz      NOT NULL,
  undo_time          timestamptz,
  undo_actor         jsonb,
  CONSTRAINT links_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT links_proof_hash_key UNIQUE (tenant_id, proof_hash),
  CONSTRAINT links_proof_hash_bytes CHECK (octet_length(proof_hash) = 32),
  CONSTRAINT links_undone_whole CHECK ((undo_time IS NULL) = (undo_actor IS NULL))
);
-- In the whole order of a page, so that the database reads a page of a long history and no more.
CREATE INDEX links_primary ON links (tenant_id, primary_id, link_time DESC, id DESC);
-- For an unlink and an undo, which need not read the ended links of a user, however many there are.
CREATE INDEX links_standing ON links (tenant_id, primary_id) WHERE undo_time IS NULL;
CREATE INDEX links_secondary ON links (tenant_id, secondary_id, link_time DESC, id DESC)
  WHERE secondary_id IS NOT NULL;
-- For the erasing of a deleted user, which links between other users can name: by an identity that
-- moved on, as the caller that undid it, and by a token that was its proof.
CREATE INDEX links_moved ON links USING gin (moved jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX links_undo_actor ON links (tenant_id, (undo_actor->>'subject'))
  WHERE undo_actor->>'kind' = 'user';
CREATE INDEX links_proof_subject ON links (tenant_id, (proof->>'subject'))
  WHERE proof->>'subject' IS NOT NULL;
CREATE INDEX links_discard_time ON links (tenant_id, discard_time) WHERE discard_time IS NOT NULL;

COMMENT ON TABLE links IS
  'One row per link: its history, what its merge changed, that the pair was linked once, and that '
  'its proof is used up.';
COMMENT ON COLUMN links.primary_id IS
  'The user that absorbed, or to which the identity was attached; "deleted:" and its keyed hash '
  'after it was deleted.';
COMMENT ON COLUMN links.secondary_id IS
  'The absorbed user, or "deleted:" and its keyed hash. For an identity without an owner that was '
  'attached: NULL until it leaves, then the user that it became.';
COMMENT ON COLUMN links.primary_version IS
  'The version of the primary user after the link. It orders the links of one user.';
COMMENT ON COLUMN links.secondary_version IS 'The version of the secondary user after the link.';
COMMENT ON COLUMN links.terms IS
  'The terms of the link: {"user_metadata", "app_metadata": {"strategy", "conflict", "arrays"}, '
  '"require_shared_verified_email"}.';
COMMENT ON COLUMN links.moved IS 'The identities that moved: [{"provider", "subject"}].';
COMMENT ON COLUMN links.changes IS
  'What the merge changed in the primary user, for an undo: {"user_metadata": [{"path", "before", '
  '"after"}], "app_metadata": […]}. Without "before", there was no value. It is rewritten when '
  'earlier links are undone, and empty after the link itself was undone.';
COMMENT ON COLUMN links.effects IS
  'What the merge did, as its response reported it: {"user_metadata": [{"path", "effect"}], '
  '"app_metadata": […]}, also where the primary user''s value stayed. It never contains a value.';
COMMENT ON COLUMN links.withheld IS
  'Metadata that an unlink did not give back: {"user_metadata", "app_metadata"}, each present only '
  'if withheld.';
COMMENT ON COLUMN links.discard_time IS
  'When the withheld metadata was discarded; `purge` removes it some time later. NULL where it was '
  'only withheld from a user token, and after its removal.';
COMMENT ON COLUMN links.actor IS
  'The caller that made the link: {"kind", "issuer", "subject"} of the bearer token.';
COMMENT ON COLUMN links.proof IS
  'The proof of the link: {"kind": "token", "issuer", "subject"}, or "ticket", "sign_in", '
  '"verified_email" or "service" as its only kind.';
COMMENT ON COLUMN links.proof_hash IS
  'SHA-256 that names the token or ticket given as proof. It is unique, so that a proof makes one '
  'link.';
COMMENT ON COLUMN links.request_id IS
  'The request id of the call that made the link, so that its caller finds it in its own logs; '
  'NULL if it had none.';
COMMENT ON COLUMN links.undo_actor IS
  'The caller that undid the link: {"kind", "issuer", "subject"}, or {"kind": "deletion"} if the '
  'secondary user was deleted.';

-- Deletions

CREATE TABLE tombstones (
  tenant_id    text COLLATE "C"   NOT NULL,
  id_hash      bytea              NOT NULL,
  delete_time  timestamptz        NOT NULL,
  returnable   boolean            NOT NULL DEFAULT false,
  deleted      boolean            NOT NULL DEFAULT true,
  released_by  text[] COLLATE "C",
  CONSTRAINT tombstones_pkey PRIMARY KEY (tenant_id, id_hash),
  CONSTRAINT tombstones_hash_bytes CHECK (octet_length(id_hash) = 32)
);
-- For the erasing of a deleted user. NULLs are left out: most tombstones have no such user.
CREATE INDEX tombstones_released_by ON tombstones USING gin (released_by) WITH (fastupdate = off)
  WHERE released_by IS NOT NULL;

COMMENT ON TABLE tombstones IS
  'What stays of a deleted user and of a released identity: keyed hashes of the ids and '
  'identities, so that the id is not given to another person and tokens of that time prove '
  'nothing.';
COMMENT ON COLUMN tombstones.delete_time IS
  'When the named user or identity was last deleted or released.';
COMMENT ON COLUMN tombstones.returnable IS
  'For a user id provider|subject: whether that account was the user''s own when it was deleted. '
  'Only then a new user may have the id, and only by that account.';
COMMENT ON COLUMN tombstones.deleted IS
  'Whether the named user or identity was ever deleted; false for an identity that was only '
  'released.';
COMMENT ON COLUMN tombstones.released_by IS
  'For an identity: the ids of the users that released it, and of the users that they had it from. '
  'An email never links the identity to these again. NULL if there are none. The erasing of a '
  'deleted user removes its id.';

-- A deletion commits what later calls are judged by, and names what is still to be erased: links
-- and stored responses may be many, and go a few hundred rows at a time.
CREATE TABLE erasures (
  tenant_id    text COLLATE "C"   NOT NULL,
  id           uuid               NOT NULL,
  user_ids     text[] COLLATE "C" NOT NULL,
  identities   text[] COLLATE "C" NOT NULL,
  link_ids     uuid[]             NOT NULL,
  delete_time  timestamptz        NOT NULL,
  CONSTRAINT erasures_pkey PRIMARY KEY (tenant_id, id)
);

COMMENT ON TABLE erasures IS
  'One row per deletion of which something is still to be erased. The row goes with the last of '
  'it. No response contains what it names.';
COMMENT ON COLUMN erasures.user_ids IS 'The deleted users.';
COMMENT ON COLUMN erasures.identities IS 'Their identities, as provider|subject.';
COMMENT ON COLUMN erasures.link_ids IS
  'The links that name one of them and are still to be erased. They are named by id: a user id may '
  'be given again to the account that it names, and the new user''s links are another person''s.';
COMMENT ON COLUMN erasures.delete_time IS 'When they were deleted.';

-- Retries

CREATE TABLE request_ids (
  tenant_id       text COLLATE "C"   NOT NULL,
  rpc             text COLLATE "C"   NOT NULL,
  caller_kind     text COLLATE "C"   NOT NULL,
  issuer          text COLLATE "C"   NOT NULL,
  subject         text COLLATE "C"   NOT NULL,
  request_id      uuid               NOT NULL,
  fingerprint     bytea              NOT NULL,
  answer          bytea              NOT NULL,
  concerned       text[] COLLATE "C" NOT NULL,
  caller_user_id  text COLLATE "C",
  expire_time     timestamptz        NOT NULL,
  CONSTRAINT request_ids_pkey
    PRIMARY KEY (tenant_id, rpc, caller_kind, issuer, subject, request_id),
  CONSTRAINT request_ids_fingerprint_bytes CHECK (octet_length(fingerprint) = 32)
);
CREATE INDEX request_ids_expire_time ON request_ids (tenant_id, expire_time);
CREATE INDEX request_ids_concerned ON request_ids USING gin (concerned) WITH (fastupdate = off);

COMMENT ON TABLE request_ids IS
  'One row per change that was made under a request id: a retry of the request by the same caller '
  'gets the first response.';
COMMENT ON COLUMN request_ids.caller_kind IS
  '"user" or "service": one issuer may issue tokens of both to one subject.';
COMMENT ON COLUMN request_ids.issuer IS 'The issuer of the caller''s token.';
COMMENT ON COLUMN request_ids.subject IS 'The caller, as that issuer names it.';
COMMENT ON COLUMN request_ids.request_id IS
  'The id that the caller chose, for one request to one rpc.';
COMMENT ON COLUMN request_ids.fingerprint IS
  'SHA-256 of the request without its id: another request under the id is refused.';
COMMENT ON COLUMN request_ids.answer IS 'The encoded response.';
COMMENT ON COLUMN request_ids.concerned IS
  'The users in the response, and their identities as provider|subject. The deletion of one of '
  'them removes the row.';
COMMENT ON COLUMN request_ids.caller_user_id IS
  'The caller''s own user after the change; NULL for a service, and for a user that deleted '
  'itself. Only a caller that still is, or holds, that user gets the response again.';
COMMENT ON COLUMN request_ids.expire_time IS
  'When the id ceases to have a meaning. The row is removed later.';

-- Sign-ins

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
  claimed_by     bytea,
  claim_time     timestamptz,
  interrupted    boolean          NOT NULL DEFAULT false,
  rejected       boolean          NOT NULL DEFAULT false,
  subject        text COLLATE "C",
  account        jsonb,
  sign_in_time   timestamptz,
  prove_time     timestamptz,
  owner_id       text COLLATE "C",
  owner_version  bigint,
  CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (tenant_id, state_hash),
  CONSTRAINT sign_in_attempts_hash_bytes
    CHECK (octet_length(state_hash) = 32 AND octet_length(secret_hash) = 32),
  CONSTRAINT sign_in_attempts_max_age CHECK (max_age >= 0),
  CONSTRAINT sign_in_attempts_claimed_by_bytes CHECK (octet_length(claimed_by) = 32),
  CONSTRAINT sign_in_attempts_account_whole CHECK (
    (subject IS NULL) = (account IS NULL) AND (subject IS NULL) = (prove_time IS NULL)
    AND (subject IS NULL) = (sign_in_time IS NULL)),
  CONSTRAINT sign_in_attempts_owner_whole CHECK ((owner_id IS NULL) = (owner_version IS NULL))
);
CREATE INDEX sign_in_attempts_expire_time ON sign_in_attempts (tenant_id, expire_time);
CREATE INDEX sign_in_attempts_user ON sign_in_attempts (tenant_id, user_id)
  WHERE user_id IS NOT NULL;
CREATE INDEX sign_in_attempts_identity ON sign_in_attempts (tenant_id, provider, subject)
  WHERE subject IS NOT NULL;
CREATE INDEX sign_in_attempts_owner ON sign_in_attempts (tenant_id, owner_id)
  WHERE owner_id IS NOT NULL;

COMMENT ON TABLE sign_in_attempts IS
  'One row per flow that was started at a provider, for ten minutes. A call without a request id '
  'deletes it. A call with a request id claims it, and it stays until it expires, with the account '
  'that it proved, so that a retry continues where the first call was interrupted.';
COMMENT ON COLUMN sign_in_attempts.state_hash IS
  'SHA-256 of the state that travels by way of the provider and is not stored.';
COMMENT ON COLUMN sign_in_attempts.secret_hash IS
  'SHA-256 of the secret in the cookie of the browser that started the flow; it is not stored.';
COMMENT ON COLUMN sign_in_attempts.user_id IS
  'The user to which the account is to be linked; NULL for a sign-in.';
COMMENT ON COLUMN sign_in_attempts.nonce IS 'The nonce that the ID token must contain.';
COMMENT ON COLUMN sign_in_attempts.pkce_verifier IS
  'The PKCE verifier, which makes a code worthless to any other party.';
COMMENT ON COLUMN sign_in_attempts.redirect_uri IS
  'The redirect URI that was sent to the provider.';
COMMENT ON COLUMN sign_in_attempts.max_age IS
  'The largest age of the sign-in at the provider, in seconds; NULL for any.';
COMMENT ON COLUMN sign_in_attempts.expire_time IS
  'When the attempt ceases to have a meaning. The row is removed later.';
COMMENT ON COLUMN sign_in_attempts.claimed_by IS
  'SHA-256 of the caller, the request id and the request that claimed it: no other one continues '
  'it.';
COMMENT ON COLUMN sign_in_attempts.claim_time IS
  'When a call began to exchange the code; NULL before, and after such a call has recorded that it '
  'could not.';
COMMENT ON COLUMN sign_in_attempts.interrupted IS
  'Whether a call that exchanged the code recorded no result: the provider may have accepted the '
  'code.';
COMMENT ON COLUMN sign_in_attempts.rejected IS
  'Whether the provider rejected the code, or its response was not valid.';
COMMENT ON COLUMN sign_in_attempts.subject IS
  'The proven account, as the provider names it; NULL until one was proven.';
COMMENT ON COLUMN sign_in_attempts.account IS
  'What the provider claims of the account: {"connection", "email", "profile_data", '
  '"signed_in_at"}.';
COMMENT ON COLUMN sign_in_attempts.sign_in_time IS
  'When the person signed in at the provider, as the provider claims.';
COMMENT ON COLUMN sign_in_attempts.prove_time IS
  'When the account was proven: no later than the beginning of the call.';
COMMENT ON COLUMN sign_in_attempts.owner_id IS
  'The user that owned the account when it was proven; NULL if no user did.';
COMMENT ON COLUMN sign_in_attempts.owner_version IS
  'The version of the owner after it had last gained or lost an identity.';

CREATE TABLE sign_in_tickets (
  tenant_id           text COLLATE "C"   NOT NULL,
  hash                bytea              NOT NULL,
  purpose             text COLLATE "C"   NOT NULL DEFAULT 'candidates',
  provider            text COLLATE "C"   NOT NULL,
  subject             text COLLATE "C"   NOT NULL,
  account             jsonb              NOT NULL,
  sign_in_time        timestamptz,
  owner_id            text COLLATE "C",
  owner_version       bigint,
  candidate_ids       text[] COLLATE "C" NOT NULL,
  candidate_versions  bigint[]           NOT NULL,
  issue_time          timestamptz        NOT NULL,
  expire_time         timestamptz        NOT NULL,
  CONSTRAINT sign_in_tickets_pkey PRIMARY KEY (tenant_id, hash),
  CONSTRAINT sign_in_tickets_hash_bytes CHECK (octet_length(hash) = 32),
  CONSTRAINT sign_in_tickets_purpose
    CHECK (purpose IN ('candidates', 'sign_in', 'registration', 'link')),
  CONSTRAINT sign_in_tickets_owner_whole CHECK ((owner_id IS NULL) = (owner_version IS NULL)),
  CONSTRAINT sign_in_tickets_candidates_whole
    CHECK (cardinality(candidate_ids) = cardinality(candidate_versions))
);
CREATE INDEX sign_in_tickets_identity ON sign_in_tickets (tenant_id, provider, subject);
CREATE INDEX sign_in_tickets_owner ON sign_in_tickets (tenant_id, owner_id)
  WHERE owner_id IS NOT NULL;
CREATE INDEX sign_in_tickets_candidates ON sign_in_tickets USING gin (candidate_ids)
  WITH (fastupdate = off);
CREATE INDEX sign_in_tickets_expire_time ON sign_in_tickets (tenant_id, expire_time);

COMMENT ON TABLE sign_in_tickets IS
  'Accounts that were just proven, for one purpose of the caller that has the ticket. A ticket has '
  'no use after its account has moved to another user.';
COMMENT ON COLUMN sign_in_tickets.hash IS 'SHA-256 of the ticket, which is not stored.';
COMMENT ON COLUMN sign_in_tickets.purpose IS
  '"candidates": to link the account to one of the candidates, or to create a user for it. '
  '"sign_in": to sign in after a preview. "registration": the same, as a new user where the tenant '
  'asks first. "link": to link the account after a preview.';
COMMENT ON COLUMN sign_in_tickets.account IS
  'What the provider claims of the account: {"connection", "email", "profile_data", '
  '"signed_in_at"}.';
COMMENT ON COLUMN sign_in_tickets.sign_in_time IS
  'When the person signed in at the account; if NULL, at issue_time.';
COMMENT ON COLUMN sign_in_tickets.owner_id IS
  'The user that owned the account; NULL if no user did.';
COMMENT ON COLUMN sign_in_tickets.owner_version IS
  'The version of the owner after it had last gained or lost an identity.';
COMMENT ON COLUMN sign_in_tickets.candidate_ids IS
  'The users to which it may be linked; for "link" the one that started the flow.';
COMMENT ON COLUMN sign_in_tickets.candidate_versions IS
  'The versions of these users after each had last gained or lost an identity. The ticket does not '
  'work for a user that gained or lost one since.';

-- Tenants

CREATE TABLE provider_issuers (
  tenant_id  text COLLATE "C" NOT NULL,
  provider   text COLLATE "C" NOT NULL,
  issuer     text COLLATE "C" NOT NULL,
  pin_time   timestamptz      NOT NULL,
  CONSTRAINT provider_issuers_pkey PRIMARY KEY (tenant_id, provider)
);
COMMENT ON TABLE provider_issuers IS
  'The issuer of each provider, pinned at first use: subjects of another issuer are other people.';

CREATE TABLE tenant_keys (
  tenant_id  text COLLATE "C" NOT NULL,
  key        bytea            NOT NULL,
  CONSTRAINT tenant_keys_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT tenant_keys_bytes CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE tenant_keys IS
  'One random key per tenant, made at first use: for the hashes in tombstones and the MACs of page '
  'tokens.';

-- The feed. Its order is (epoch, xid, ordinal). A transaction takes its locks before it gets its
-- id, so of two changes of one user the later one has the higher id. A reader stops below the
-- oldest id that is still in progress, so it never passes an event that commits late.

CREATE TABLE events (
  tenant_id      text COLLATE "C" NOT NULL,
  epoch          integer          NOT NULL,
  xid            bigint           NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
  ordinal        smallint         NOT NULL,
  user_id        text COLLATE "C" NOT NULL,
  other_user_id  text COLLATE "C",
  actor          jsonb            NOT NULL,
  request_id     uuid,
  detail         jsonb            NOT NULL,
  event_time     timestamptz      NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (tenant_id, epoch, xid, ordinal)
);
-- For the one reader of all tenants' events. The condition always holds, but only a query that
-- states it can use this index. A query for a quiet tenant would otherwise read all other tenants'
-- events along it.
CREATE INDEX events_feed ON events (epoch, xid, ordinal) WHERE ordinal >= 0;
CREATE INDEX events_user ON events (tenant_id, user_id, epoch, xid, ordinal);
CREATE INDEX events_other_user ON events (tenant_id, other_user_id, epoch, xid, ordinal)
  WHERE other_user_id IS NOT NULL;

COMMENT ON TABLE events IS
  'One row per change, written in its transaction: ids, versions and paths, never a value.';
COMMENT ON COLUMN events.epoch IS 'The epoch in which xid counts.';
COMMENT ON COLUMN events.xid IS 'The id of the transaction, all 64 bits.';
COMMENT ON COLUMN events.ordinal IS 'The index of the event in its transaction, from 0.';
COMMENT ON COLUMN events.user_id IS 'The user that the event is about.';
COMMENT ON COLUMN events.other_user_id IS 'The other user, if there are two.';
COMMENT ON COLUMN events.actor IS
  'The caller that made the change: {"kind", "issuer", "subject"} of the bearer token.';
COMMENT ON COLUMN events.request_id IS 'The request id of the call; NULL if it had none.';
COMMENT ON COLUMN events.detail IS 'The change: {"kind", …} as src/domain/event.rs declares it.';

CREATE TABLE epochs (
  n           integer          NOT NULL,
  cluster     text COLLATE "C" NOT NULL,
  begin_time  timestamptz      NOT NULL DEFAULT now(),
  CONSTRAINT epochs_pkey PRIMARY KEY (n)
);
COMMENT ON TABLE epochs IS
  'Transaction ids start again, or may be given twice, when the data come to another cluster or a '
  'standby takes over: then an epoch begins. Epochs belong to the whole database, not to a tenant.';
COMMENT ON COLUMN epochs.n IS 'Counts the epochs, from 1. The last one is the present one.';
COMMENT ON COLUMN epochs.cluster IS 'Names the cluster: its system identifier and its timeline.';

CREATE TABLE event_floors (
  tenant_id   text COLLATE "C" NOT NULL,
  epoch       integer          NOT NULL,
  xid         bigint           NOT NULL,
  ordinal     smallint         NOT NULL,
  event_time  timestamptz      NOT NULL,
  CONSTRAINT event_floors_pkey PRIMARY KEY (tenant_id)
);
COMMENT ON TABLE event_floors IS
  'The last event of a tenant that was removed because its retention had ended. All later events '
  'are kept.';
