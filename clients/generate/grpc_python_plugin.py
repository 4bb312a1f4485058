"""grpcio-tools as a plugin of protoc: the stubs of grpcio, which no program on the search path generates.

A plugin reads a ``CodeGeneratorRequest`` from stdin and writes a ``CodeGeneratorResponse`` to stdout (protobuf's
``google/protobuf/compiler/plugin.proto``).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def generated(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Return the files for those protos of the request that have a service."""
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as scratch:
        protos, out = Path(scratch, "protos.binpb"), Path(scratch, "out")
        protos.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out.mkdir()
        arguments = ["protoc", f"--descriptor_set_in={protos}", f"--grpc_python_out={out}"]
        with_services = [file.name for file in request.proto_file if file.service]
        chosen = [name for name in request.file_to_generate if name in with_services]
        if chosen and protoc.main([*arguments, *chosen]) != 0:
            response.error = "grpcio-tools could not generate the stubs: its message is above"
            return response
        for path in sorted(out.rglob("*.py")):
            response.file.add(name=path.relative_to(out).as_posix(), content=path.read_text(encoding="utf-8"))
    return response


sys.stdout.buffer.write(generated(CodeGeneratorRequest.FromString(sys.stdin.buffer.read())).SerializeToString())
