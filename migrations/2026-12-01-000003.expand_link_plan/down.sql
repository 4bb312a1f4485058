-- It fails while a link has a plan: without the column, `undo --plan` would not find it, and the earlier
-- servers cannot read the proof of a link that `apply` made. To reverse it all the same, undo these
-- links, and delete their rows: then nothing keeps later links of the same users apart.
DO $$ BEGIN
  IF EXISTS (SELECT FROM links WHERE plan_id IS NOT NULL OR proof->>'kind' = 'plan') THEN
    RAISE 'links have a plan, which an earlier release cannot read';
  END IF;
END $$;
ALTER TABLE links DROP COLUMN plan_id;
