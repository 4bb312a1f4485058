CREATE INDEX CONCURRENTLY users_nickname ON users (tenant_id, nickname) WHERE nickname IS NOT NULL;
