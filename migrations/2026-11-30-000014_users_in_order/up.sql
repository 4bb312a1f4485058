-- Live users in the order in which they were created. What it holds of a user never changes, but for whether
-- it is live: no sign-in and no change of a profile writes to it. It takes about 90 bytes per user.
CREATE INDEX users_create_time ON users (tenant_id, create_time, holder_id) WHERE holder_id IS NOT NULL;
