// The process around a provider in Node.js: a port of its own, the settings of the test, and an end with the test. Its
// arguments are the module of the provider and JSON: `clients`, `accounts` (claims by subject), `settings`. The module's
// default export gets the origin and the JSON. It returns `answer`, which answers requests; its `issuer`, if that is not
// the origin; and `switches`: what a test changes, by paths, with the query.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [path, given] = process.argv.slice(2);
const { default: provider } = await import(pathToFileURL(path));

// The provider ends with the test that started it, even if that test is killed.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1000);

const server = createServer();
server.listen(0, "127.0.0.1", async () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const { answer, issuer = origin, switches = {} } = await provider(origin, JSON.parse(given));
  server.on("request", async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, origin);
    const change = switches[pathname];
    if (!change) return answer(request, response);
    await change(searchParams);
    response.end();
  });
  console.log(`issuer ${issuer} ${origin}`);
});
