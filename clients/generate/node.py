"""Writes what the client for Node.js has of the contract."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import grpc_tools
from contract import PACKAGE, PROTOS, Contract, Method, pascal, run_protoc, snake

HEADER = "// Written by clients/generate from the protos. Do not edit.\n"
MODULE = Path("clients/node")
# The standard protos that the messages need beside those of protobuf itself, and the details of refusals.
STANDARD = ("google/api/*.proto", "google/longrunning/*.proto", "google/rpc/status.proto")
DETAILS = "google/rpc/error_details.proto"
# Where the messages are that are not of this package.
ELSEWHERE = {
    "google.longrunning": "./gen/google/longrunning/operations_pb.js",
    "google.protobuf": "@bufbuild/protobuf/wkt",
}


def write(contract: Contract, folder: Path) -> None:
    """Write all files below the client's folder ``src``, with protoc-gen-es of the search path."""
    generated = folder / "gen"
    if generated.exists():
        shutil.rmtree(generated)
    generated.mkdir(parents=True)
    # googleapis-common-protos has the details.
    packages = Path(grpc_tools.__file__).parent.parent
    standard = [str(path) for pattern in STANDARD for path in sorted(PROTOS.glob(pattern))]
    run_protoc(
        [
            f"-I{packages}",
            f"--es_out={generated}",
            "--es_opt=target=ts,import_extension=js",
            *standard,
            DETAILS,
        ]
    )
    modules = sorted(set(contract.modules.values()))
    (folder / "v1.ts").write_text(_messages(modules), encoding="utf-8")
    (folder / "reasons.ts").write_text(_reasons(contract), encoding="utf-8")
    (folder / "calls.ts").write_text(_calls(contract), encoding="utf-8")
    version = json.loads((MODULE / "package.json").read_text(encoding="utf-8"))["version"]
    text = f'{HEADER}\n/** The version of this package. */\nexport const VERSION = "{version}";\n'
    (folder / "version.ts").write_text(text, encoding="utf-8")


def _doc(text: str, indent: str = "") -> str:
    lines = text.replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"])


def _messages(modules: list[str]) -> str:
    files = ["google/longrunning/operations", *(f"{PACKAGE.replace('.', '/')}/{module}" for module in modules)]
    lines = [
        HEADER,
        "/** The messages of the contract: see the protos for what each field means. */\n",
        'import { createRegistry, type Registry } from "@bufbuild/protobuf";\n',
    ]
    names = [f"file_{path.replace('/', '_').replace('.', '_')}" for path in files]
    lines.extend(f'import {{ {name} }} from "./gen/{path}_pb.js";' for name, path in zip(names, files))
    lines.append("")
    lines.extend(f'export * from "./gen/{path}_pb.js";' for path in files)
    lines.append("\n/** All messages, such as for the `Any` of an operation. */")
    lines.append("export const registry: Registry = createRegistry(")
    lines.extend(f"  {name}," for name in names)
    lines.append(");\n")
    return "\n".join(lines)


def _reasons(contract: Contract) -> str:
    lines = [
        HEADER,
        "/** An error for each stable reason of a refusal. */\n",
        'import { type Failure, IdentityLinkError } from "./errors.js";',
    ]
    for reason in contract.reasons:
        name = pascal(reason.name)
        lines.append(f"\n{_doc(reason.comment)}")
        lines.append(f"export class {name} extends IdentityLinkError {{")
        lines.append(f'  static readonly REASON = "{reason.name}";\n')
        lines.append(f'  override get name(): string {{\n    return "{name}";\n  }}\n}}')
    lines.append("\n/** The errors by their reasons. */")
    lines.append("export const BY_REASON: ReadonlyMap<string, new (failure: Failure) => IdentityLinkError> = new Map(")
    lines.append("  [")
    lines.extend(f"    {pascal(reason.name)}," for reason in contract.reasons)
    lines.append("  ].map((each) => [each.REASON, each] as const),\n);\n")
    return "\n".join(lines)


def _split(full: str) -> tuple[str, str]:
    package, _, name = full.rpartition(".")
    return package, name


def _calls(contract: Contract) -> str:
    methods = contract.methods
    imports: dict[str, set[str]] = {}

    def uses(full: str, *, is_schema: bool) -> None:
        package, name = _split(full)
        where = ELSEWHERE.get(package) or f"./gen/{PACKAGE.replace('.', '/')}/{contract.modules[name]}_pb.js"
        imports.setdefault(where, set()).add(f"{name}Schema" if is_schema else f"type {name}")

    for method in methods:
        uses(method.request, is_schema=True)
        uses(method.response, is_schema=True)
        if not method.is_stream:
            uses(method.response, is_schema=False)
        if method.items:
            uses(method.items[1], is_schema=False)
    lines = [
        HEADER,
        'import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";',
    ]
    for where in sorted(imports, key=lambda where: (where.startswith("."), where)):
        names = sorted(imports[where], key=lambda name: name.removeprefix("type "))
        lines.append("import {\n" + "".join(f"  {name},\n" for name in names) + f'}} from "{where}";')
    lines.append('import { messageOf } from "./requests.js";')
    lines.append('import type { CallOptions, Rpc } from "./rpc.js";\n')
    lines.extend(_constant(method) for method in methods)
    lines.append(CLASS)
    for method in methods:
        if not method.is_stream:
            lines.append(_method(method))
            if method.items:
                lines.append(_all(method, *method.items))
    return "\n".join(lines) + "\n}\n"


CLASS = """
/** The rpcs with one response. */
export abstract class Calls {
  /** Makes a call, with the attempts that are safe. */
  protected abstract call<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    request: MessageInitShape<Req>,
    options?: CallOptions,
  ): Promise<MessageShape<Res>>;"""


def _constant(method: Method) -> str:
    request, response = f"{_split(method.request)[1]}Schema", f"{_split(method.response)[1]}Schema"
    return "\n".join(
        [
            f"export const {snake(method.name).upper()}: Rpc<typeof {request}, typeof {response}> = {{",
            f'  path: "{method.path}",',
            f"  request: {request},",
            f"  response: {response},",
            f"  onlyReads: {str(method.only_reads).lower()},",
            f'  requestId: "{method.request_id}",',
            "};",
        ]
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _method(method: Method) -> str:
    request, response = _split(method.request)[1], _split(method.response)[1]
    name = _camel(snake(method.name))
    return "\n".join(
        [
            "",
            _doc(method.comment or f"`{method.path}`.", "  "),
            f"  {name}(request: MessageInitShape<typeof {request}Schema>, options?: CallOptions): Promise<{response}> {{",
            f"    return this.call({snake(method.name).upper()}, request, options);",
            "  }",
        ]
    )


def _all(method: Method, field: str, item: str) -> str:
    request, kind = _split(method.request)[1], _split(item)[1]
    name = _camel(snake(method.name))
    return f"""
  /** The items of all pages of `{name}`. The options are for each page. */
  async *{name}All(
    request: MessageInitShape<typeof {request}Schema>,
    options?: CallOptions,
  ): AsyncGenerator<{kind}, void, undefined> {{
    const page = {{ ...messageOf({request}Schema, request) }};
    do {{
      const response = await this.call({snake(method.name).upper()}, page, options);
      yield* response.{_camel(field)};
      page.pageToken = response.nextPageToken;
    }} while (page.pageToken !== "");
  }}"""
