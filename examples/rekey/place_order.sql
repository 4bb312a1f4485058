-- $1: the order. $2: the customer's user id as the shop has it. $3: that id's holder, by ResolveUsers.
-- $4: the position in the feed, read before the call of ResolveUsers.
INSERT INTO orders (id, placed_by, user_id)
SELECT $1, $2, $3 FROM feed_position WHERE position = $4 FOR SHARE;
