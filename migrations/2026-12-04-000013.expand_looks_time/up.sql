-- In the order in which `identity-link looks` reads them, page by page.
CREATE INDEX CONCURRENTLY console_looks_time ON console_looks (tenant_id, look_time, id);
