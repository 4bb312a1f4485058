#!/usr/bin/env bash
# csv-parse 7.0.0, d3-dsv 3.0.2, xlsx 0.18.5, yaml 2.9.1, js-yaml 5.5.0 and sql.js 1.17.0 (npm): reading exported
# accounts and guessing each value's type makes one subject of several, and not those that a test file has.
#
# That an id of digits becomes a number is expected, and looked for. These are not:
#   - an id of 24 hexadecimal digits (MongoDB's, and so that of Auth0's database accounts) is a number if it happens
#     to be digits around one `e`: about one in 20,000 of those made from 2020 to 2026, so that a test file of a
#     thousand rows has none, and an export of a million has 50. With a long exponent it is Infinity, as all others of
#     its kind are;
#   - a wallet address (0x and 40 hexadecimal digits, the subject of a "sign in with Ethereum") is a number as well:
#     csv-parse makes every one of them 0, and so one account of all users;
#   - papaparse 5.7.1, with the option of the same meaning, keeps all of these: it depends on the reader.
# SQLite does it in the database: STRING is no type there, but a name that it takes for a numeric one, and a unique
# index on such a column refuses the second account.
#
# What users of identity-link should do: read every column of an export as text (csv-parse without `cast`, d3-dsv
# without `autoType`), quote subjects in YAML, declare TEXT, and count the distinct subjects before and after.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund csv-parse@7.0.0 d3-dsv@3.0.2 xlsx@0.18.5 yaml@2.9.1 js-yaml@5.5.0 \
  sql.js@1.17.0 papaparse@5.7.1

cat > run.mjs <<'JS'
import { parse } from 'csv-parse/sync';
import { autoType, csvParse } from 'd3-dsv';
import { load } from 'js-yaml';
import papaparse from 'papaparse';
import initSqlJs from 'sql.js';
import xlsx from 'xlsx';
import { parse as parseYaml } from 'yaml';

const accounts = {
  Google: ['102345678901234567890', '102345678901234567891'],
  'short exponent': ['6512345678901234567890e7', '6698765432109876543210e5'],
  'long exponent': ['65123456789012345678e901', '66123456789012345679e901'],
  wallet: ['0x8ba1f109551bd432803012645ac136ddd64dba72', '0x52908400098527886e0f7030069857d2e4169ee7'],
};
const csv = subjects => `subject\n${subjects.map(subject => `"${subject}"\n`).join('')}`;
const column = rows => rows.map(row => row.subject);
const yaml = subjects => subjects.map(subject => `- ${subject}\n`).join('');
const { Database } = await initSqlJs();
const readers = {
  'csv-parse': subjects => column(parse(csv(subjects), { columns: true, cast: true })),
  'd3-dsv': subjects => column(csvParse(csv(subjects), autoType)),
  xlsx: subjects => column(xlsx.utils.sheet_to_json(xlsx.read(csv(subjects), { type: 'string' }).Sheets.Sheet1)),
  yaml: subjects => parseYaml(yaml(subjects)),
  'js-yaml': subjects => load(yaml(subjects)),
  'sql.js': subjects => {
    const database = new Database();
    database.run('CREATE TABLE account (subject STRING)');
    subjects.forEach(subject => database.run('INSERT INTO account VALUES (?)', [subject]));
    // The driver gives null for Infinity.
    const [{ values }] = database.exec('SELECT subject, abs(subject) > 1e308 FROM account');
    return values.map(([subject, infinite]) => (infinite ? Infinity : subject));
  },
  papaparse: subjects => column(papaparse.parse(csv(subjects).trim(), { header: true, dynamicTyping: true }).data),
};
for (const [kind, subjects] of Object.entries(accounts)) {
  for (const [reader, read] of Object.entries(readers)) {
    const values = read(subjects);
    const same = values.every((value, i) => value === subjects[i]) ? 'as given' : values.join(', ');
    console.log(`${kind}, ${reader}: ${new Set(values).size} of 2 left, ${same}`);
  }
}

// Ids as MongoDB makes them: 4 bytes of seconds, here from 2020 to 2026, and 8 of chance; the same ones in each run.
let state = 1;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return (t ^ (t >>> 14)) >>> 0;
};
const hex = number => number.toString(16).padStart(8, '0');
let numbers = 0;
for (let i = 0; i < 1_000_000; i++) {
  const seconds = 1577836800 + Math.floor(random() / 2 ** 32 * 7 * 365.25 * 86400);
  if (/^\d+e\d+$/.test(hex(seconds) + hex(random()) + hex(random()))) numbers++;
}
console.log(`digits with one e: ${numbers} of 1000000`);
JS
node run.mjs | tee seen.txt

cat > expected.txt <<'TXT'
Google, csv-parse: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, d3-dsv: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, xlsx: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, yaml: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, js-yaml: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, sql.js: 1 of 2 left, 102345678901234570000, 102345678901234570000
Google, papaparse: 2 of 2 left, as given
short exponent, csv-parse: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, d3-dsv: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, xlsx: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, yaml: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, js-yaml: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, sql.js: 2 of 2 left, 6.512345678901234e+28, 6.698765432109876e+26
short exponent, papaparse: 2 of 2 left, as given
long exponent, csv-parse: 2 of 2 left, as given
long exponent, d3-dsv: 1 of 2 left, Infinity, Infinity
long exponent, xlsx: 2 of 2 left, as given
long exponent, yaml: 1 of 2 left, Infinity, Infinity
long exponent, js-yaml: 2 of 2 left, as given
long exponent, sql.js: 1 of 2 left, Infinity, Infinity
long exponent, papaparse: 2 of 2 left, as given
wallet, csv-parse: 1 of 2 left, 0, 0
wallet, d3-dsv: 2 of 2 left, 7.97161134358057e+47, 4.713600493505407e+47
wallet, xlsx: 2 of 2 left, 7.97161134358057e+47, 4.713600493505407e+47
wallet, yaml: 2 of 2 left, 7.97161134358057e+47, 4.713600493505407e+47
wallet, js-yaml: 2 of 2 left, 7.97161134358057e+47, 4.713600493505407e+47
wallet, sql.js: 2 of 2 left, as given
wallet, papaparse: 2 of 2 left, as given
digits with one e: 51 of 1000000
TXT
diff expected.txt seen.txt
echo "csv-parse 7.0.0, d3-dsv 3.0.2, xlsx 0.18.5, yaml 2.9.1, js-yaml 5.5.0 and sql.js 1.17.0 still behave so"
