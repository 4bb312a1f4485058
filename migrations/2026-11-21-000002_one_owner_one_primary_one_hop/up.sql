-- Invariants that span rows. They are judged at COMMIT, since a link passes through
-- states that break them; a violation there is a fault of ours, never of a caller.

-- An absorbed user points to a live user: one hop, no cycle.
ALTER TABLE users ADD CONSTRAINT users_absorber_is_live
  FOREIGN KEY (tenant_id, absorbed_into, absorber_must_live)
  REFERENCES users (tenant_id, id, live) DEFERRABLE INITIALLY DEFERRED;

-- An identity belongs to a live user.
ALTER TABLE identities ADD CONSTRAINT identities_owner_is_live
  FOREIGN KEY (tenant_id, owner_id, owner_must_live)
  REFERENCES users (tenant_id, id, live) DEFERRABLE INITIALLY DEFERRED;

-- A live user has exactly one primary identity, which is its own; so it has at least one.
ALTER TABLE users ADD CONSTRAINT users_primary_is_own_identity
  FOREIGN KEY (tenant_id, holder_id, primary_provider, primary_subject)
  REFERENCES identities (tenant_id, owner_id, provider, subject) DEFERRABLE INITIALLY DEFERRED;
