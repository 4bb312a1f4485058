ALTER TABLE links DROP COLUMN discard_time;
DROP INDEX links_proof_subject;
DROP INDEX links_undo_actor;
DROP INDEX links_moved;
DROP TABLE erasures;
