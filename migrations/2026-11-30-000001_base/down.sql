DROP TABLE event_floors;
DROP TABLE epochs;
DROP TABLE events;
DROP TABLE tenant_keys;
DROP TABLE provider_issuers;
DROP TABLE sign_in_tickets;
DROP TABLE sign_in_attempts;
DROP TABLE request_ids;
DROP TABLE erasures;
DROP TABLE tombstones;
DROP TABLE links;
-- Users and identities refer to each other.
ALTER TABLE users DROP CONSTRAINT users_primary_is_own_identity;
DROP TABLE identities;
DROP TABLE users;
