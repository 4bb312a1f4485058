DROP INDEX CONCURRENTLY console_looks_time;
