-- Each step locks its users in the order in which calls lock them, and then commits.
DO $$
DECLARE
  moved integer;
BEGIN
  LOOP
    UPDATE users SET nickname = users.id
      FROM (SELECT tenant_id, id FROM users WHERE nickname IS NULL
              ORDER BY tenant_id, id LIMIT 2 FOR UPDATE) AS step
      WHERE users.tenant_id = step.tenant_id AND users.id = step.id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    COMMIT;
    EXIT WHEN moved = 0;
  END LOOP;
END $$;
