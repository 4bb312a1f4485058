-- The event of an import is about many users.
ALTER TABLE events ALTER COLUMN user_id DROP NOT NULL;

COMMENT ON COLUMN events.user_id IS
  'The user that the event is about; NULL for an event that is about no single user.';
