DROP TABLE tenant_keys;
DROP TABLE provider_issuers;
DROP TABLE tombstones;
DROP TABLE links;
DROP TABLE identities;
DROP TABLE users;
