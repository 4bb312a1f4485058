-- It fails while a move renames accounts: without the table, no command could finish it. It fails too
-- while the feed has an event of a move, which earlier servers cannot read.
DO $$ BEGIN
  IF EXISTS (SELECT FROM provider_moves WHERE end_time IS NULL) THEN
    RAISE 'a move of a provider is not finished: run `identity-link provider move` again first';
  END IF;
  IF EXISTS (SELECT FROM events WHERE detail->>'kind' = 'identities_renamed') THEN
    RAISE 'the feed has events of a move of a provider, which an earlier release cannot read';
  END IF;
END $$;
COMMENT ON COLUMN provider_issuers.issuer IS NULL;
DROP TABLE provider_moves;
