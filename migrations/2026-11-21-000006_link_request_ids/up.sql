-- So that whoever asked for a link finds it again in their own logs.
ALTER TABLE links ADD COLUMN request_id uuid;

COMMENT ON COLUMN links.request_id IS 'The request id under which the link was made; NULL if there was none, and for links from before this column.';
