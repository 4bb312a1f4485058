-- Older servers write links of no plan.
ALTER TABLE links ADD COLUMN plan_id uuid;

COMMENT ON COLUMN links.plan_id IS
  'The plan that the link was made by, by which an operator finds all links of one run; NULL if it '
  'was made by none.';
