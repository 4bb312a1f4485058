#!/usr/bin/env bash
# lodash (npm) 4.17.21: `_.merge` takes a customizer and never calls it, and loses an object that meets an array.
#
# Auth0's documents merge two users' metadata by `_.merge({}, secondary, primary, customizer)`, where the customizer joins
# arrays. lodash 3 called it. Since lodash 4 that is `_.mergeWith`'s; `_.merge` takes the function for one more source,
# which has no properties, and says nothing. So code that went on from 3 to 4 has since
#   - merged arrays item by item: the secondary's roles are kept where its list is longer, and overwritten elsewhere;
#   - lost the primary's object where the secondary has an array: it becomes properties of that array, which JSON, and
#     with it the PATCH, leaves out.
# lodash 3, on the other hand, throws where the secondary has an array and the primary a number, null or object, and
# makes one string of an array and a string. docs/reference/auth0-differences.md has the whole table, beside what
# MergeMetadata does.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund lodash-3@npm:lodash@3.10.1 lodash-4@npm:lodash@4.17.21

cat > run.js <<'JS'
for (const name of ['lodash-3', 'lodash-4']) {
  const _ = require(name);
  let called = 0;
  const customizer = (value, source) => {
    called += 1;
    if (_.isArray(value)) return source.concat(value);
  };
  const roles = _.merge({}, { roles: ['editor', 'billing'] }, { roles: ['admin'] }, customizer);
  console.log(`${_.VERSION} roles=${JSON.stringify(roles.roles)} customizer=${called > 0 ? 'called' : 'ignored'}`);
  try {
    const merged = _.merge({}, { tags: ['a'] }, { tags: { mine: true } }, customizer);
    console.log(`${_.VERSION} tags=${JSON.stringify(merged.tags)} mine=${merged.tags.mine}`);
  } catch (error) {
    console.log(`${_.VERSION} throws ${error.name}`);
  }
}
JS
node run.js | tee seen.txt

cat > expected.txt <<'TXT'
3.10.1 roles=["admin","editor","billing"] customizer=called
3.10.1 throws TypeError
4.17.21 roles=["admin","billing"] customizer=ignored
4.17.21 tags=["a"] mine=true
TXT
diff expected.txt seen.txt
echo "lodash 4.17.21 still behaves so"
