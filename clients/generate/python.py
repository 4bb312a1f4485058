"""Writes what the Python client has of the contract."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from contract import Contract, Method, pascal, run_protoc, snake

HEADER = "# Written by clients/generate from the protos. Do not edit.\n"
KINDS = {"never": "NEVER", "except previews": "EXCEPT_PREVIEWS", "always": "ALWAYS"}
# Where the messages are that are not of this package.
ELSEWHERE = {
    "google.longrunning": "google.longrunning.operations_pb2",
    "google.protobuf": "google.protobuf.empty_pb2",
}


def write(contract: Contract, folder: Path) -> None:
    """Write all files below the client's folder ``src``."""
    package = folder / "identitylink"
    (package / "v1").mkdir(parents=True, exist_ok=True)
    run_protoc([f"--python_out={folder}", f"--pyi_out={folder}"])
    for stub in (package / "v1").glob("*.pyi"):
        # protoc leaves out what the keys and values of a message's fields are, and declares the numbers of
        # extensions as if they were in a class.
        text = stub.read_text(encoding="utf-8").replace("_Mapping]", "_Mapping[str, object]]")
        text = re.sub(r"^(\w+): _ClassVar\[int\]$", r"\1: int", text, flags=re.MULTILINE)
        stub.write_text(text, encoding="utf-8")
    (package / "v1" / "__init__.py").write_text(_messages(contract), encoding="utf-8")
    (package / "reasons.py").write_text(_reasons(contract), encoding="utf-8")
    (package / "calls.py").write_text(_calls(contract), encoding="utf-8")


def _messages(contract: Contract) -> str:
    lines = [HEADER, '"""The messages of the contract: see the protos for what each field means."""\n']
    modules = sorted(set(contract.modules.values()))
    for module in modules:
        names = sorted(name for name, its in contract.modules.items() if its == module)
        if names:
            lines.append(f"from .{module}_pb2 import {_parenthesised(names)}")
    exported = sorted(contract.modules)
    lines.append(f"\n__all__ = [\n{''.join(f'    {chr(34)}{name}{chr(34)},{chr(10)}' for name in exported)}]\n")
    return "\n".join(lines)


def _parenthesised(names: list[str]) -> str:
    return "(\n" + "".join(f"    {name},\n" for name in names) + ")"


def _docstring(text: str, indent: int) -> str:
    """Return a docstring. Its first line is the first sentence, as far as that is one line."""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    quoted = f'"""{text}"""' if "\n" not in text else f'"""{text}\n"""'
    return textwrap.indent(quoted, " " * indent, lambda line: bool(line.strip()))


def _reasons(contract: Contract) -> str:
    lines = [
        HEADER,
        '"""An exception for each stable reason of a refusal."""\n',
        "from __future__ import annotations\n",
        "from typing import Final\n",
        "from .errors import IdentityLinkError\n",
    ]
    for reason in contract.reasons:
        lines.append(f"\nclass {pascal(reason.name)}(IdentityLinkError):")
        lines.append(_docstring(reason.comment, 4) + "\n")
        lines.append(f'    REASON = "{reason.name}"\n')
    lines.append("\n#: The exceptions by their reasons.")
    lines.append("BY_REASON: Final[dict[str, type[IdentityLinkError]]] = {")
    lines.append("    each.REASON: each")
    lines.append("    for each in (")
    lines.extend(f"        {pascal(reason.name)}," for reason in contract.reasons)
    lines.append("    )\n}\n")
    return "\n".join(lines)


def _split(full: str) -> tuple[str, str]:
    package, _, name = full.rpartition(".")
    return package, name


def _calls(contract: Contract) -> str:
    methods = contract.methods
    names = {m.request for m in methods} | {m.response for m in methods} | {m.items[1] for m in methods if m.items}
    imports: dict[str, list[str]] = {}
    for package, name in sorted(map(_split, names)):
        imports.setdefault(ELSEWHERE.get(package, ".v1"), []).append(name)
    lines = [
        HEADER,
        '"""The rpcs of the contract, for both clients."""\n',
        "from __future__ import annotations\n",
        "from abc import ABC, abstractmethod",
        "from collections.abc import AsyncIterator, Iterator\n",
    ]
    for module in sorted(imports, key=lambda module: (module.startswith("."), module)):
        if module == ".v1":
            lines.append("\nfrom ._rpc import Req, RequestId, Res, Rpc")
        lines.append(f"from {module} import {_parenthesised(imports[module])}")
    for method in methods:
        lines.append(_constant(method))
    unary = [method for method in methods if not method.is_stream]
    lines.append(_class(unary, is_async=False))
    lines.append(_class(unary, is_async=True))
    return "\n".join(lines)


def _constant(method: Method) -> str:
    more = ", only_reads=True" if method.only_reads else ""
    if method.request_id != "never":
        more += f", request_id=RequestId.{KINDS[method.request_id]}"
    return (
        f"{snake(method.name).upper()} = Rpc(\n"
        f'    "{method.path}", {_split(method.request)[1]}, {_split(method.response)[1]}{more}\n)'
    )


def _class(methods: list[Method], *, is_async: bool) -> str:
    name, define, wait = ("AsyncCalls", "async def", "await ") if is_async else ("Calls", "def", "")
    lines = [
        f"\n\nclass {name}(ABC):",
        '    """The rpcs with one response. ``timeout`` is in seconds, for a call with all its attempts."""\n',
        "    @abstractmethod",
        f"    {define} call(self, rpc: Rpc[Req, Res], request: Req, *, timeout: float | None = None) -> Res:",
        '        """Make a call, with the attempts that are safe."""',
    ]
    for method in methods:
        request, response = _split(method.request)[1], _split(method.response)[1]
        rpc, constant = snake(method.name), snake(method.name).upper()
        lines.append(f"\n    {define} {rpc}(self, request: {request}, *, timeout: float | None = None) -> {response}:")
        lines.append(_docstring(method.comment or f"``{method.path}``.", 8))
        lines.append(f"        return {wait}self.call({constant}, request, timeout=timeout)")
        if method.items:
            field, item = method.items[0], _split(method.items[1])[1]
            iterator = "AsyncIterator" if is_async else "Iterator"
            lines.append(
                f"\n    {define} {rpc}_all("
                f"self, request: {request}, *, timeout: float | None = None) -> {iterator}[{item}]:"
            )
            lines.append(f'        """Yield the items of all pages of ``{rpc}``. ``timeout`` is for each page."""')
            lines.append(f"        page = {request}()")
            lines.append("        page.CopyFrom(request)")
            lines.append("        while True:")
            lines.append(f"            response = {wait}self.call({constant}, page, timeout=timeout)")
            lines.append(f"            for item in response.{field}:")
            lines.append("                yield item")
            lines.append("            if not response.next_page_token:")
            lines.append("                return")
            lines.append("            page.page_token = response.next_page_token")
    return "\n".join(lines) + "\n"
