-- In the order of a page: the newest link of a tenant comes first.
CREATE INDEX CONCURRENTLY links_time ON links (tenant_id, link_time DESC, id DESC);
