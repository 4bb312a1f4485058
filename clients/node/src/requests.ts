import { create, type DescField, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";

/**
 * The message of a request, in which each property is a field.
 *
 * TypeScript refuses a property that is none. From JavaScript it would be left out without a word: `{ user_id }` instead
 * of `{ userId }` would call with an empty `user_id`, which to a user token means its own user.
 *
 * Throws a `TypeError` that names the property.
 */
export function messageOf<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): MessageShape<Desc> {
  check(schema, init);
  return create(schema, init);
}

function check(schema: DescMessage, init: unknown): void {
  // These are JSON or unwrapped values, or have any keys.
  if (!isObject(init) || schema.typeName.startsWith("google.protobuf.")) {
    return;
  }
  for (const [name, value] of Object.entries(init)) {
    if (name === "$typeName" || name === "$unknown") {
      continue;
    }
    const member = schema.members.find((each) => each.localName === name);
    if (member === undefined) {
      throw new TypeError(`${schema.typeName} has no field "${name}"; it has ${names(schema)}`);
    }
    if (member.kind !== "oneof") {
      checkField(member, value);
    } else if (isObject(value) && value["case"] !== undefined) {
      const chosen = member.fields.find((each) => each.localName === value["case"]);
      if (chosen === undefined) {
        throw new TypeError(
          `${schema.typeName}.${name} has no case ${JSON.stringify(value["case"])}; it has ${member.fields.map((each) => each.localName).join(", ")}`,
        );
      }
      checkField(chosen, value["value"]);
    } else if (value != null && !(isObject(value) && "case" in value)) {
      throw new TypeError(`${schema.typeName}.${name} is { case, value }`);
    }
  }
}

function checkField(field: DescField, value: unknown): void {
  if (field.fieldKind === "message") {
    check(field.message, value);
  } else if (field.fieldKind === "list" && field.listKind === "message" && Array.isArray(value)) {
    for (const item of value) {
      check(field.message, item);
    }
  }
}

function names(schema: DescMessage): string {
  return schema.members.map((each) => each.localName).join(", ");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
