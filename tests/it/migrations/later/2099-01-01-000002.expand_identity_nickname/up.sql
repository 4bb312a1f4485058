ALTER TABLE identities ADD COLUMN nickname text NOT NULL DEFAULT '';
