"""Writes what the Rust client has of the contract."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from contract import PACKAGE, Contract, Method, pascal, snake

HEADER = "// Written by clients/generate from the protos. Do not edit.\n"
KINDS = {"never": "Never", "except previews": "ExceptPreviews", "always": "Always"}
# Where the messages are that are not of this package.
ELSEWHERE = {"google.longrunning": "longrunning"}
# What prost has instead of a message.
STANDARD = {"google.protobuf.Empty": "()"}


def write(contract: Contract, folder: Path) -> None:
    """Write all files below the client's folder ``src``."""
    (folder / "reason.rs").write_text(_formatted(_reasons(contract)), encoding="utf-8")
    (folder / "calls.rs").write_text(_formatted(_calls(contract)), encoding="utf-8")


def _formatted(code: str) -> str:
    """Return the code as rustfmt has it by this repository's settings."""
    command = ["rustfmt", "--edition", "2024", "--config-path", "rustfmt.toml", "--emit", "stdout"]
    return subprocess.run(command, input=code, capture_output=True, check=True, text=True).stdout


def _commented(text: str) -> str:
    return "".join(f"/// {line}".rstrip() + "\n" for line in text.splitlines())


def _reasons(contract: Contract) -> str:
    names = [(pascal(reason.name), reason) for reason in contract.reasons]
    lines = [
        HEADER,
        "//! The reasons of refusals.\n",
        "use std::fmt;\n",
        "/// Why the server refused a call. It is stable and meant for programs.",
        "#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]",
        "#[non_exhaustive]",
        "pub enum Reason {",
    ]
    lines.extend(_commented(reason.comment) + f"{name}," for name, reason in names)
    lines.append("}\n\nimpl Reason {")
    lines.append("/// All that this version knows. A newer server may send others.")
    lines.append(f"pub const ALL: [Self; {len(names)}] = [")
    lines.extend(f"Self::{name}," for name, _ in names)
    lines.append("];\n\n/// The reason as the server names it, such as `IDENTITY_TAKEN`.")
    lines.append("pub const fn name(self) -> &'static str {\nmatch self {")
    lines.extend(f'Self::{name} => "{reason.name}",' for name, reason in names)
    lines.append("}\n}\n\n/// The reason of this name; `None` if this version does not know it.")
    lines.append("pub fn from_name(name: &str) -> Option<Self> {")
    lines.append("Self::ALL.into_iter().find(|reason| reason.name() == name)\n}\n}\n")
    lines.append("impl fmt::Display for Reason {")
    lines.append("fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {\nf.write_str(self.name())\n}\n}")
    return "\n".join(lines)


def _type(full: str) -> str:
    if full in STANDARD:
        return STANDARD[full]
    package, _, name = full.rpartition(".")
    return f"v1::{name}" if package == PACKAGE else f"{ELSEWHERE[package]}::{name}"


def _calls(contract: Contract) -> str:
    lines = [
        HEADER,
        "//! The rpcs of the contract.\n",
        "use crate::{",
        "Client, Error, Items, google::longrunning, rpc::{Paged, RequestId, Rpc}, v1,",
        "};\n",
    ]
    lines.extend(_rpc(method) for method in contract.methods)
    lines.extend(_paged(method, *method.items) for method in contract.methods if method.items)
    lines.append("impl Client {")
    lines.extend(_method(method) for method in contract.methods if not method.is_stream)
    lines.append("}")
    return "\n".join(lines)


def _rpc(method: Method) -> str:
    lines = [
        f"impl Rpc for {_type(method.request)} {{",
        f"type Response = {_type(method.response)};\n",
        f'const PATH: &\'static str = "{method.path}";',
        f"const ONLY_READS: bool = {str(method.only_reads).lower()};",
        f"const REQUEST_ID: RequestId = RequestId::{KINDS[method.request_id]};",
    ]
    if method.request_id != "never":
        lines.append("\nfn request_id(&mut self) -> Option<&mut String> {\nSome(&mut self.request_id)\n}")
    if method.has_preview:
        lines.append("\nfn is_preview(&self) -> bool {\nself.validate_only\n}")
    return "\n".join([*lines, "}\n"])


def _paged(method: Method, field: str, item: str) -> str:
    return f"""impl Paged for {_type(method.request)} {{
        type Item = {_type(item)};

        fn set_page_token(&mut self, token: String) {{
            self.page_token = token;
        }}

        fn page(response: Self::Response) -> (Vec<Self::Item>, String) {{
            (response.{field}, response.next_page_token)
        }}
    }}
"""


def _method(method: Method) -> str:
    request, response, name = _type(method.request), _type(method.response), snake(method.name)
    # The comments of googleapis have links that rustdoc cannot read.
    ours = method.request.startswith(PACKAGE)
    # In brackets rustdoc sees a link.
    comment = re.sub(r"(?<!`)\[(?=\w)", r"\\[", method.comment) if ours else f"Calls `{method.path}`."
    lines = [
        f"{_commented(comment)}///\n/// # Errors\n/// If the call fails: see [`Error`].",
        f"pub async fn {name}(&self, request: {request}) -> Result<{response}, Error> {{\nself.call(request).await\n}}\n",
    ]
    if method.items:
        lines.append(
            f"/// The items of all pages of [`Self::{name}`]. An error is the last item.\n"
            f"pub fn {name}_all(&self, request: {request}) -> Items<{_type(method.items[1])}> {{\nself.pages(request)\n}}\n"
        )
    return "\n".join(lines)
