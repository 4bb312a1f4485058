-- The links stay. Which plan they were made by is lost.
ALTER TABLE links DROP COLUMN plan_id;
