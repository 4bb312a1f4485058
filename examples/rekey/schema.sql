CREATE TABLE IF NOT EXISTS orders (
  id         bigint PRIMARY KEY,
  placed_by  text NOT NULL,  -- the user id at the time of the order: never changed
  user_id    text            -- whose it is now; nobody's, once that user is deleted
);
CREATE INDEX IF NOT EXISTS orders_placed_by ON orders (placed_by);

-- One row: how far the feed has been followed. It changes together with the orders, or not at all.
CREATE TABLE IF NOT EXISTS feed_position (
  is_row    boolean PRIMARY KEY DEFAULT true CHECK (is_row),
  position  text NOT NULL
);
