DROP INDEX users_create_time;
