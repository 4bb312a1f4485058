ALTER TABLE users DROP COLUMN identities_version;
DROP TABLE sign_in_tickets;
