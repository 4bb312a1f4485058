ALTER TABLE users ADD COLUMN nickname text;
COMMENT ON COLUMN users.nickname IS 'NULL until a server that knows the column, or the move, writes it.';
