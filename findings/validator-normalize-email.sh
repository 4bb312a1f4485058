#!/usr/bin/env bash
# validator (npm) 13.15.35: normalizeEmail() makes one address of several, and `false` of a good one.
#
# A back end that normalises emails before it sends them on decides which users may be linked. With the default
# options this library, which much form handling stands on, also
#   - cuts a Yahoo local part at its last hyphen, as a sub-address: jane-doe@ymail.com becomes jane@ymail.com,
#     another mailbox, at rocketmail.com too;
#   - answers `false`, not an address, for a Yahoo local part that begins with its only hyphen, though isEmail()
#     accepts it;
#   - maps all domains of one provider to one (ya.ru, yandex.com to yandex.ru), but
#   - keeps both spellings of an internationalised domain apart, which name one mailbox.
# So the result is neither finer nor coarser than "the same mailbox", and must not be a key. identity-link keeps the
# address as given and folds case, Unicode form and the domain's spelling only (src/domain/email.rs).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund validator@13.15.35

cat > run.js <<'JS'
const validator = require('validator');
const addresses = ['jane-doe@ymail.com', 'jane@ymail.com', 'anne-marie@rocketmail.com', '-jane@yahoo.com',
  'jane-doe@ya.ru', 'jane-doe@yandex.com', 'jane@stra\u00dfe.de', 'jane@xn--strae-oqa.de', 'jane-doe@example.com'];
for (const address of addresses) {
  console.log(`${address} isEmail=${validator.isEmail(address)} normalizeEmail=${validator.normalizeEmail(address)}`);
}
JS
node run.js | tee seen.txt

cat > expected.txt <<'TXT'
jane-doe@ymail.com isEmail=true normalizeEmail=jane@ymail.com
jane@ymail.com isEmail=true normalizeEmail=jane@ymail.com
anne-marie@rocketmail.com isEmail=true normalizeEmail=anne@rocketmail.com
-jane@yahoo.com isEmail=true normalizeEmail=false
jane-doe@ya.ru isEmail=true normalizeEmail=jane-doe@yandex.ru
jane-doe@yandex.com isEmail=true normalizeEmail=jane-doe@yandex.ru
jane@straße.de isEmail=true normalizeEmail=jane@straße.de
jane@xn--strae-oqa.de isEmail=true normalizeEmail=jane@xn--strae-oqa.de
jane-doe@example.com isEmail=true normalizeEmail=jane-doe@example.com
TXT
diff expected.txt seen.txt
echo "validator 13.15.35 still behaves so"
