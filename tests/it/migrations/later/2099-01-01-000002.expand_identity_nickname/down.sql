ALTER TABLE identities DROP COLUMN nickname;
