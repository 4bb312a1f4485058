#!/usr/bin/env bash
# libphonenumber-js (npm) 1.11.0 and 1.13.16, phonenumbers (PyPI) 8.13.35 and 9.0.43: E.164 of one input depends on
# the version, and one telephone has several E.164 forms that no version brings together.
#
# "Parse, check, format as E.164" is taken for a canonical form, fit for a key. The rules are data of each release:
#   - Mexico: the old mobile form +52 1 ... was folded to +52 ... up to the middle of 2024. Since then the same call
#     keeps the 1 and says that the number is invalid. WhatsApp still names its users so: a service that stored the
#     folded form looks for another text after an update of the library;
#   - Ivory Coast (2021) and Benin (2024) put digits in front of all numbers: an account of before is valid up to one
#     release, and invalid from the next on. No version makes the new number of the old one;
#   - Brazil's ninth digit and Argentina's 9 stay two numbers of one telephone; for Argentina both are valid, and the
#     form that is dialled at home (15) becomes the one with 9;
#   - libphonenumber-js' default entry point calls the Brazilian number without its ninth digit valid, where its own
#     "/max" and Google's rules in phonenumbers do not.
#
# What users of identity-link should do: take the phone account's subject as the provider gives it, format nothing,
# and never look an account up by a number that a library of another version formatted. When a country renumbers, link
# the new account with the old one as two accounts of one person, each proven.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund older@npm:libphonenumber-js@1.11.0 newer@npm:libphonenumber-js@1.13.16
for version in 8.13.35 9.0.43; do
  python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore \
    --target "$version" "phonenumbers==$version"
done

cat > numbers.txt <<'TXT'
+5215512345678
+525512345678
+22997000000
+2290197000000
+22507080910
+541123456789
+5491123456789
+54111523456789
+551187654321
+5511987654321
TXT

cat > run.js <<'JS'
const numbers = require('fs').readFileSync('numbers.txt', 'utf8').trim().split('\n');
for (const entry of ['older', 'newer', 'newer/max']) {
  const { parsePhoneNumberFromString: parse } = require(entry);
  for (const given of numbers) {
    const number = parse(given);
    console.log(`libphonenumber-js ${entry}: ${given} is ${number.number}, ${number.isValid() ? 'valid' : 'invalid'}`);
  }
}
JS

cat > run.py <<'PY'
import phonenumbers

for given in open("numbers.txt").read().split():
    number = phonenumbers.parse(given)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    valid = "valid" if phonenumbers.is_valid_number(number) else "invalid"
    print(f"phonenumbers {phonenumbers.__version__}: {given} is {text}, {valid}")
PY
{
  node run.js
  PYTHONPATH=8.13.35 python3 run.py
  PYTHONPATH=9.0.43 python3 run.py
} | tee seen.txt

cat > expected.txt <<'TXT'
libphonenumber-js older: +5215512345678 is +525512345678, valid
libphonenumber-js older: +525512345678 is +525512345678, valid
libphonenumber-js older: +22997000000 is +22997000000, valid
libphonenumber-js older: +2290197000000 is +2290197000000, invalid
libphonenumber-js older: +22507080910 is +22507080910, invalid
libphonenumber-js older: +541123456789 is +541123456789, valid
libphonenumber-js older: +5491123456789 is +5491123456789, valid
libphonenumber-js older: +54111523456789 is +5491123456789, valid
libphonenumber-js older: +551187654321 is +551187654321, valid
libphonenumber-js older: +5511987654321 is +5511987654321, valid
libphonenumber-js newer: +5215512345678 is +5215512345678, invalid
libphonenumber-js newer: +525512345678 is +525512345678, valid
libphonenumber-js newer: +22997000000 is +22997000000, invalid
libphonenumber-js newer: +2290197000000 is +2290197000000, valid
libphonenumber-js newer: +22507080910 is +22507080910, invalid
libphonenumber-js newer: +541123456789 is +541123456789, valid
libphonenumber-js newer: +5491123456789 is +5491123456789, valid
libphonenumber-js newer: +54111523456789 is +5491123456789, valid
libphonenumber-js newer: +551187654321 is +551187654321, valid
libphonenumber-js newer: +5511987654321 is +5511987654321, valid
libphonenumber-js newer/max: +5215512345678 is +5215512345678, invalid
libphonenumber-js newer/max: +525512345678 is +525512345678, valid
libphonenumber-js newer/max: +22997000000 is +22997000000, invalid
libphonenumber-js newer/max: +2290197000000 is +2290197000000, valid
libphonenumber-js newer/max: +22507080910 is +22507080910, invalid
libphonenumber-js newer/max: +541123456789 is +541123456789, valid
libphonenumber-js newer/max: +5491123456789 is +5491123456789, valid
libphonenumber-js newer/max: +54111523456789 is +5491123456789, valid
libphonenumber-js newer/max: +551187654321 is +551187654321, invalid
libphonenumber-js newer/max: +5511987654321 is +5511987654321, valid
phonenumbers 8.13.35: +5215512345678 is +525512345678, valid
phonenumbers 8.13.35: +525512345678 is +525512345678, valid
phonenumbers 8.13.35: +22997000000 is +22997000000, valid
phonenumbers 8.13.35: +2290197000000 is +2290197000000, invalid
phonenumbers 8.13.35: +22507080910 is +22507080910, invalid
phonenumbers 8.13.35: +541123456789 is +541123456789, valid
phonenumbers 8.13.35: +5491123456789 is +5491123456789, valid
phonenumbers 8.13.35: +54111523456789 is +5491123456789, valid
phonenumbers 8.13.35: +551187654321 is +551187654321, invalid
phonenumbers 8.13.35: +5511987654321 is +5511987654321, valid
phonenumbers 9.0.43: +5215512345678 is +5215512345678, invalid
phonenumbers 9.0.43: +525512345678 is +525512345678, valid
phonenumbers 9.0.43: +22997000000 is +22997000000, invalid
phonenumbers 9.0.43: +2290197000000 is +2290197000000, valid
phonenumbers 9.0.43: +22507080910 is +22507080910, invalid
phonenumbers 9.0.43: +541123456789 is +541123456789, valid
phonenumbers 9.0.43: +5491123456789 is +5491123456789, valid
phonenumbers 9.0.43: +54111523456789 is +5491123456789, valid
phonenumbers 9.0.43: +551187654321 is +551187654321, invalid
phonenumbers 9.0.43: +5511987654321 is +5511987654321, valid
TXT
diff expected.txt seen.txt
echo "libphonenumber-js and phonenumbers still behave so"
