-- In the order of a page: the newest link of a plan comes first.
CREATE INDEX CONCURRENTLY links_plan ON links (tenant_id, plan_id, link_time DESC, id DESC)
  WHERE plan_id IS NOT NULL;
