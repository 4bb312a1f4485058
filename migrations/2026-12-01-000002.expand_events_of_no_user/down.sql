-- It fails if there is such an event: the servers of the schema below cannot read it, and their feed
-- would stop there.
ALTER TABLE events ALTER COLUMN user_id SET NOT NULL;
COMMENT ON COLUMN events.user_id IS 'The user that the event is about.';
