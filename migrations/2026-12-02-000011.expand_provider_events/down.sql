DROP TABLE event_tokens;
ALTER TABLE identities DROP COLUMN tokens_valid_from;
