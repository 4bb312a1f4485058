-- A flow may request scopes beside those of the configuration.
ALTER TABLE sign_in_attempts ADD COLUMN scopes text[] COLLATE "C";

COMMENT ON COLUMN sign_in_attempts.scopes IS
  'The scopes that the flow requests beside those of the configuration; NULL for none.';
