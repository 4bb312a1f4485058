-- What was answered to whom, so that a call whose answer was lost can be made again under its id.
CREATE TABLE request_ids (
  tenant_id    text COLLATE "C" NOT NULL,
  rpc          text COLLATE "C" NOT NULL,
  caller_kind  text COLLATE "C" NOT NULL,
  issuer       text COLLATE "C" NOT NULL,
  subject      text COLLATE "C" NOT NULL,
  request_id   uuid             NOT NULL,
  fingerprint  bytea            NOT NULL,
  answer       bytea            NOT NULL,
  concerned    text[] COLLATE "C" NOT NULL,
  expire_time  timestamptz      NOT NULL,
  CONSTRAINT request_ids_pkey PRIMARY KEY (tenant_id, rpc, caller_kind, issuer, subject, request_id),
  CONSTRAINT request_ids_fingerprint_bytes CHECK (octet_length(fingerprint) = 32)
);
CREATE INDEX request_ids_expire_time ON request_ids (tenant_id, expire_time);
CREATE INDEX request_ids_concerned ON request_ids USING gin (concerned);

COMMENT ON TABLE request_ids IS 'One row per change that was made under a request id: the same request by the same caller is told the same again.';
COMMENT ON COLUMN request_ids.caller_kind IS '"user" or "service": one issuer may give tokens of both to one subject.';
COMMENT ON COLUMN request_ids.issuer IS 'Who issued the caller''s token.';
COMMENT ON COLUMN request_ids.subject IS 'The caller, as that issuer names it.';
COMMENT ON COLUMN request_ids.request_id IS 'What the caller chose; good for one request to one rpc.';
COMMENT ON COLUMN request_ids.fingerprint IS 'SHA-256 of the request without its id: another request under the id is refused.';
COMMENT ON COLUMN request_ids.answer IS 'The encoded answer.';
COMMENT ON COLUMN request_ids.concerned IS 'The users in the answer, and their identities as provider|subject: it goes when one of them is deleted.';
COMMENT ON COLUMN request_ids.expire_time IS 'From when on the id means nothing; the row is swept later.';
