ALTER TABLE links DROP COLUMN request_id;
