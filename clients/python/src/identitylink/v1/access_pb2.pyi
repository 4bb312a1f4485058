from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ACCESS_FIELD_NUMBER: int
access: _descriptor.FieldDescriptor
ACCESS_OF_FIELD_NUMBER: int
access_of: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("self_scope", "service_scope")
    SELF_SCOPE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_SCOPE_FIELD_NUMBER: _ClassVar[int]
    self_scope: str
    service_scope: str
    def __init__(self, self_scope: _Optional[str] = ..., service_scope: _Optional[str] = ...) -> None: ...

class AccessOf(_message.Message):
    __slots__ = ("rpc", "access", "only_reads")
    RPC_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    ONLY_READS_FIELD_NUMBER: _ClassVar[int]
    rpc: str
    access: Access
    only_reads: bool
    def __init__(self, rpc: _Optional[str] = ..., access: _Optional[_Union[Access, _Mapping[str, object]]] = ..., only_reads: _Optional[bool] = ...) -> None: ...
