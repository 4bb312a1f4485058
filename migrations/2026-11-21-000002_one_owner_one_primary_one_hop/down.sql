ALTER TABLE users DROP CONSTRAINT users_primary_is_own_identity;
ALTER TABLE identities DROP CONSTRAINT identities_owner_is_live;
ALTER TABLE users DROP CONSTRAINT users_absorber_is_live;
