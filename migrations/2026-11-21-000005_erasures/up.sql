-- A deletion commits what decides, and names what is still to be erased: links and answers may be
-- many, and go a few hundred rows at a time.
CREATE TABLE erasures (
  tenant_id    text COLLATE "C"   NOT NULL,
  id           uuid               NOT NULL,
  user_ids     text[] COLLATE "C" NOT NULL,
  identities   text[] COLLATE "C" NOT NULL,
  link_ids     uuid[]             NOT NULL,
  delete_time  timestamptz        NOT NULL,
  CONSTRAINT erasures_pkey PRIMARY KEY (tenant_id, id)
);

COMMENT ON TABLE erasures IS 'One row per deletion of which something is still to be erased; it goes with the last of that. What it names is told to nobody.';
COMMENT ON COLUMN erasures.user_ids IS 'The deleted users.';
COMMENT ON COLUMN erasures.identities IS 'Their identities, as provider|subject.';
COMMENT ON COLUMN erasures.link_ids IS 'The links that name one of them and are still to be erased. By their ids: a user id may be given again to the very identity that it names, and its new links are another person''s.';
COMMENT ON COLUMN erasures.delete_time IS 'When they were deleted.';

-- What names a deleted one in a link between others: an identity that moved on, who undid it, whose proof it was.
CREATE INDEX links_moved ON links USING gin (moved jsonb_path_ops);
CREATE INDEX links_undo_actor ON links (tenant_id, (undo_actor->>'subject')) WHERE undo_actor->>'kind' = 'user';
CREATE INDEX links_proof_subject ON links (tenant_id, (proof->>'subject')) WHERE proof->>'subject' IS NOT NULL;

ALTER TABLE links ADD COLUMN discard_time timestamptz;
CREATE INDEX links_discard_time ON links (tenant_id, discard_time) WHERE discard_time IS NOT NULL;

COMMENT ON COLUMN links.discard_time IS 'When what is withheld was discarded, which `purge` removes for good some time later. NULL where it was only withheld from a user token, and after that.';
COMMENT ON COLUMN links.changes IS 'What the merge changed in the primary: {"user_metadata": [{"path", "before", "after"}], "app_metadata": […]}; an absent "before" means that nothing was there. Empty once the link is undone.';

-- Only standing links are taken back.
UPDATE links SET changes = '{}' WHERE undo_time IS NOT NULL AND changes <> '{}';
