/**
 * A shop keeps its orders under user ids, while users become one and come apart again. This small service follows the
 * feed of identity-link, and keeps each order with the user that it belongs to now.
 *
 * It may be killed at any moment, and started again, or twice: the position in the feed is written in the transaction
 * that changes the orders.
 *
 *     identity-link token --service shop --scope "read:events read:users" > shop.token
 *     node rekey.ts --database postgres://shop@localhost/shop --token-file shop.token
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { Client, FileToken } from "identitylink";
import { PositionExpired, PositionInvalid } from "identitylink/reasons";
import { type Event, EventKind, type ResolvedUser, ResolvedUser_State } from "identitylink/v1";
import pg from "pg";

const SCHEMA = readFileSync(new URL("schema.sql", import.meta.url), "utf8");
/** The pause after an error, in milliseconds: it doubles up to the longest one. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
/** The kinds of events that change which user an order belongs to. */
const KINDS = [EventKind.USER_LINKED, EventKind.USER_UNLINKED, EventKind.LINK_UNDONE, EventKind.USER_DELETED];

/** The id of the user that now holds what was placed under an id; null if that user is deleted. */
class Holders extends Map<string, string | null> {
  /**
   * Notes an event. Events come in order, and each states the holder itself, not a change of it: so a repeated event does
   * no harm.
   */
  note({ detail }: Event): void {
    switch (detail.case) {
      case "userLinked": {
        const { absorbed, primary, repointedUserIds } = detail.value;
        this.#setAll([absorbed!.userId, ...repointedUserIds], primary!.userId);
        break;
      }
      // The user that comes back holds what it held.
      case "userUnlinked":
      case "linkUndone": {
        const { restored, repointedUserIds } = detail.value;
        this.#setAll([restored!.userId, ...repointedUserIds], restored!.userId);
        break;
      }
      case "userDeleted":
        this.#setAll([detail.value.user!.userId, ...detail.value.absorbedUserIds], null);
    }
  }

  /**
   * Notes what an id resolves to. An unknown id is left as it is: a token of another tenant must not take all orders
   * away.
   */
  noteResolved({ requestedId, state, userId }: ResolvedUser): void {
    if (state === ResolvedUser_State.CURRENT || state === ResolvedUser_State.ABSORBED) {
      this.#setAll([requestedId], userId);
    } else if (state === ResolvedUser_State.DELETED) {
      this.#setAll([requestedId], null);
    }
  }

  /** Sets the holder. What belonged to a deleted user is not given to the next user with its id. */
  #setAll(ids: readonly string[], holder: string | null): void {
    for (const id of ids) {
      if (this.get(id) !== null) {
        this.set(id, holder);
      }
    }
  }
}

/** Does all of this in one transaction, or nothing of it. */
async function inTransaction(database: pg.Client, work: () => Promise<void>): Promise<void> {
  await database.query("BEGIN");
  try {
    await work();
    await database.query("COMMIT");
  } catch (failure) {
    // A connection that is lost has rolled back already, and says so itself.
    await database.query("ROLLBACK").catch(() => undefined);
    throw failure;
  }
}

/** Gives the orders to their holders. An order that belongs to no user stays so. */
async function rekey(database: pg.Client, holders: Holders): Promise<void> {
  const sql = `
    UPDATE orders SET user_id = holders.user_id
    FROM unnest($1::text[], $2::text[]) AS holders (placed_by, user_id)
    WHERE orders.placed_by = holders.placed_by AND orders.user_id IS NOT NULL
      AND orders.user_id IS DISTINCT FROM holders.user_id`;
  await database.query(sql, [[...holders.keys()], [...holders.values()]]);
}

/**
 * Begins anew: first it reads the position of the feed, and then the holders of all orders. Events in between are
 * delivered again, with the same result.
 */
async function bootstrap(client: Client, database: pg.Client): Promise<string> {
  const { position } = await client.listUsers({ pageSize: 1 });
  const { rows } = await database.query<{ placed_by: string }>(
    "SELECT DISTINCT placed_by FROM orders WHERE user_id IS NOT NULL",
  );
  const holders = new Holders();
  for await (const user of client.resolve(rows.map((row) => row.placed_by))) {
    holders.noteResolved(user);
  }
  await inTransaction(database, async () => {
    const sql = `
      INSERT INTO feed_position (position) VALUES ($1)
      ON CONFLICT (is_row) DO UPDATE SET position = excluded.position`;
    await database.query(sql, [position]);
    await rekey(database, holders);
  });
  return position;
}

/** Moves from one position to the next, with the events in between. If another process was first, it changes nothing. */
async function goOn(database: pg.Client, before: string, after: string, events: readonly Event[]): Promise<void> {
  const holders = new Holders();
  for (const event of events) {
    holders.note(event);
  }
  await inTransaction(database, async () => {
    const moved = await database.query("UPDATE feed_position SET position = $2 WHERE position = $1", [before, after]);
    if (moved.rowCount === 0) {
      // Such as an old process whose last transaction was still running.
      throw new Error("another process has continued from this position");
    }
    await rekey(database, holders);
  });
}

/** Follows the feed from the stored position, until a call or a statement fails. */
async function follow(client: Client, url: string, isPositionLost: boolean): Promise<void> {
  const database = new pg.Client({ connectionString: url });
  // Its next statement fails too. Without a listener, a lost connection would end the process.
  database.on("error", () => undefined);
  try {
    await database.connect();
    await database.query(SCHEMA);
    const { rows } = await database.query<{ position: string }>("SELECT position FROM feed_position");
    const stored = rows[0]?.position;
    let position = stored === undefined || isPositionLost ? await bootstrap(client, database) : stored;
    // The client itself goes on when a stream ends.
    for await (const message of client.watch({ start: { case: "after", value: position }, kinds: KINDS })) {
      // The position moves without events too, past those of other kinds.
      if (message.position !== position) {
        await goOn(database, position, message.position, message.events);
        position = message.position;
      }
    }
  } finally {
    await database.end();
  }
}

const { values } = parseArgs({
  options: {
    // The URL of identity-link's gRPC.
    "identity-link": { type: "string", default: "http://127.0.0.1:50051" },
    // A file that has a token with the scopes read:events and read:users.
    "token-file": { type: "string" },
    // The URL of the shop's own database.
    database: { type: "string" },
  },
});
const { "identity-link": address, "token-file": tokenFile, database } = values;
if (tokenFile === undefined || database === undefined) {
  throw new Error("--token-file and --database have to be given");
}
const server = new URL(address);
const client = new Client(server.host, { token: new FileToken(tokenFile), plaintext: server.protocol === "http:" });

let pause = FIRST_PAUSE;
let isPositionLost = false;
for (;;) {
  const begun = performance.now();
  try {
    await follow(client, database, isPositionLost);
  } catch (stopped) {
    // No reason is final. The feed does not have the position any more: it has expired, or is from another feed.
    isPositionLost = stopped instanceof PositionExpired || stopped instanceof PositionInvalid;
    if (performance.now() - begun > LONGEST_PAUSE) {
      pause = FIRST_PAUSE;
    }
    console.error(`${stopped}; trying again in ${pause} ms`);
  }
  await sleep(pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE);
}
