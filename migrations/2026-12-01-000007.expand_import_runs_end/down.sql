DROP INDEX CONCURRENTLY import_runs_end_time;
