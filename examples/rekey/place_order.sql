-- $1 the order, $2 the customer's id as the shop knows it, $3 whose that is by ResolveUsers,
-- $4 the position in the feed as it was before that was asked.
INSERT INTO orders (id, placed_by, user_id)
SELECT $1, $2, $3 FROM feed_position WHERE position = $4 FOR SHARE;
