-- For the sweep, which removes what has ended long ago.
CREATE INDEX CONCURRENTLY import_runs_end_time ON import_runs (tenant_id, end_time)
  WHERE end_time IS NOT NULL;
