"""Checks that a JSON Schema is one, and prints what is wrong with each instance by it."""

import json
import sys

from jsonschema import Draft202012Validator


def main() -> None:
    schema, instances = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    found = [
        sorted(f"{'.'.join(map(str, error.path))}: {error.validator}" for error in validator.iter_errors(instance))
        for instance in instances
    ]
    print(json.dumps(found))


main()
