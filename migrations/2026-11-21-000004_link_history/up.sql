-- `changes` serves the undoing of a link, and is rewritten when links before it are undone.
-- History needs what was told when the link was made.
ALTER TABLE links ADD COLUMN effects jsonb NOT NULL DEFAULT '{}';

COMMENT ON COLUMN links.effects IS 'What the merge did, as it was told then: {"user_metadata": [{"path", "effect"}], "app_metadata": […]}, also where the primary''s value stayed. Never a value. Empty for links from before this column.';
