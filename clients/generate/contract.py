"""What the clients need to know of the contract, read from the protos."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)
from grpc_tools import protoc

#: The folder of the protos.
PROTOS = Path("proto")
PACKAGE = "identitylink.v1"
#: The standard service that the server implements for its jobs.
OPERATIONS = "google.longrunning.Operations"
#: Rpcs whose previews have a request id too: a flow's preview uses up the attempt, and that of a job is a
#: job. A preview of the others is refused with one.
PREVIEWS_WITH_ID = ("CompleteSignIn", "ApplyPlan", "UndoLinks")


@dataclass(frozen=True)
class Reason:
    """A reason of a refusal."""

    #: As it goes over the wire, such as ``IDENTITY_TAKEN``.
    name: str
    comment: str


@dataclass(frozen=True)
class Method:
    """An rpc."""

    #: Such as ``FindByEmail``.
    name: str
    path: str
    comment: str
    #: The full names of the messages, such as ``identitylink.v1.LinkRequest``.
    request: str
    response: str
    only_reads: bool
    #: ``never``, ``except previews`` or ``always``.
    request_id: str
    #: Whether requests have ``validate_only``.
    has_preview: bool
    #: Whether requests or responses are a stream: each client has these by hand.
    is_stream: bool
    #: Whether requests are a stream.
    is_client_stream: bool
    #: The field of the response with the items of a page, and their message; none if it has no pages.
    items: tuple[str, str] | None


@dataclass(frozen=True)
class Contract:
    """The contract."""

    methods: tuple[Method, ...]
    reasons: tuple[Reason, ...]
    #: The proto file of each message and enum of the package, such as ``resources``.
    modules: dict[str, str]


def proto_files() -> list[str]:
    """Return the protos of the package, relative to their folder."""
    found = (PROTOS / PACKAGE.replace(".", "/")).glob("*.proto")
    return sorted(str(path.relative_to(PROTOS)) for path in found)


def run_protoc(arguments: list[str]) -> None:
    """Run protoc on the protos of the package."""
    standard = Path(grpc_tools.__file__).with_name("_proto")
    if protoc.main(["protoc", f"-I{PROTOS}", f"-I{standard}", *arguments, *proto_files()]) != 0:
        raise SystemExit("protoc has failed")


def read() -> Contract:
    """Return the contract."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "contract.binpb")
        run_protoc([f"--descriptor_set_out={path}", "--include_imports", "--include_source_info"])
        files = FileDescriptorSet.FromString(path.read_bytes()).file
    messages = {f"{file.package}.{message.name}": message for file in files for message in file.message_type}
    ours = [file for file in files if file.package == PACKAGE]
    methods = [
        method
        for file in files
        for at, service in enumerate(file.service)
        if file.package == PACKAGE or f"{file.package}.{service.name}" == OPERATIONS
        for method in _methods(file, at, messages)
    ]
    modules = {kind.name: Path(file.name).stem for file in ours for kind in file.message_type}
    modules |= {kind.name: Path(file.name).stem for file in ours for kind in file.enum_type}
    return Contract(
        methods=tuple(sorted(methods, key=lambda method: method.name)),
        reasons=tuple(_reasons(ours)),
        modules=modules,
    )


def _methods(file: FileDescriptorProto, at: int, messages: dict[str, DescriptorProto]) -> Iterator[Method]:
    service = file.service[at]
    for index, method in enumerate(service.method):
        request, response = method.input_type[1:], method.output_type[1:]
        fields = {field.name for field in messages[request].field} if request in messages else set()
        yield Method(
            name=method.name,
            path=f"/{file.package}.{service.name}/{method.name}",
            comment=_comment(file, [6, at, 2, index]),
            request=request,
            response=response,
            only_reads=_only_reads(method),
            # A stream has it in its first message, which the caller makes.
            request_id="never" if method.client_streaming else _request_id(method.name, fields),
            has_preview="validate_only" in fields,
            is_stream=method.server_streaming or method.client_streaming,
            is_client_stream=method.client_streaming,
            items=_items(fields, messages.get(response)),
        )


def _only_reads(method: MethodDescriptorProto) -> bool:
    # The standard service declares this for none of its rpcs.
    if method.name in ("GetOperation", "ListOperations", "WaitOperation"):
        return True
    return method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS


def _request_id(name: str, fields: set[str]) -> str:
    if "request_id" not in fields:
        return "never"
    return "except previews" if "validate_only" in fields and name not in PREVIEWS_WITH_ID else "always"


def _items(fields: set[str], response: DescriptorProto | None) -> tuple[str, str] | None:
    if "page_token" not in fields or response is None:
        return None
    repeated = [
        field
        for field in response.field
        if field.label == FieldDescriptorProto.LABEL_REPEATED and field.type == FieldDescriptorProto.TYPE_MESSAGE
    ]
    if len(repeated) != 1:
        raise SystemExit(f"{response.name}: a page has one kind of items")
    return repeated[0].name, repeated[0].type_name[1:]


def _reasons(files: list[FileDescriptorProto]) -> Iterator[Reason]:
    for file in files:
        for at, enum in enumerate(file.enum_type):
            if enum.name != "Reason":
                continue
            for index, value in enumerate(enum.value):
                if value.number != 0:
                    yield Reason(value.name.removeprefix("REASON_"), _comment(file, [5, at, 2, index]))


def _comment(file: FileDescriptorProto, path: list[int]) -> str:
    for location in file.source_code_info.location:
        if list(location.path) == path:
            lines = location.leading_comments.splitlines()
            return "\n".join(line.removeprefix(" ").rstrip() for line in lines).strip()
    return ""


def pascal(name: str) -> str:
    """``IDENTITY_TAKEN`` as ``IdentityTaken``."""
    return "".join(part.capitalize() for part in name.split("_"))


def snake(name: str) -> str:
    """``FindByEmail`` as ``find_by_email``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")
