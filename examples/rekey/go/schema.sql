CREATE TABLE IF NOT EXISTS orders (
  id         bigint PRIMARY KEY,
  placed_by  text NOT NULL,  -- the user id at the time of the order: never changes
  user_id    text            -- the user that it belongs to now; NULL after that user is deleted
);
CREATE INDEX IF NOT EXISTS orders_placed_by ON orders (placed_by);

-- One row: the position up to which the feed was processed. It changes in the same transaction as the orders.
CREATE TABLE IF NOT EXISTS feed_position (
  is_row    boolean PRIMARY KEY DEFAULT true CHECK (is_row),
  position  text NOT NULL
);
