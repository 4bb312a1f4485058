"""Checks that a description is OpenAPI 3.1, and that recorded responses match it."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DESCRIPTION = "urn:description"


def wrong(described: dict, registry: Registry, answer: dict) -> list[str]:
    method, path, status = answer["method"], answer["path"], str(answer["status"])
    response = described["paths"][path][method]["responses"].get(status)
    if response is None:
        return ["the status is not described"]
    if "content" not in response:
        return [] if answer["body"] is None else ["there is a body"]
    place = "/".join(
        part.replace("~", "~0").replace("/", "~1")
        for part in ["paths", path, method, "responses", status, "content", "application/json", "schema"]
    )
    validator = Draft202012Validator({"$ref": f"{DESCRIPTION}#/{place}"}, registry=registry)
    return [error.message for error in validator.iter_errors(answer["body"])]


def main() -> None:
    described, answers = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
    problems = [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()]
    print("OpenAPI", described["openapi"], problems or "valid")
    resource = Resource.from_contents(described, default_specification=DRAFT202012)
    registry = Registry().with_resource(DESCRIPTION, resource)
    for answer in answers:
        found = wrong(described, registry, answer)
        print(answer["method"], answer["path"], answer["status"], *(found or ["as described"]), sep=" ")


main()
