-- The tokens are lost here. They stay valid at the providers until they expire there.
DROP TABLE provider_token_revocations;
DROP TABLE provider_tokens;
