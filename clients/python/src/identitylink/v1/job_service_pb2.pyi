import datetime

from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from identitylink.v1 import access_pb2 as _access_pb2
from identitylink.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DuplicateRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DUPLICATE_RULE_UNSPECIFIED: _ClassVar[DuplicateRule]
    DUPLICATE_RULE_VERIFIED_EMAIL: _ClassVar[DuplicateRule]
    DUPLICATE_RULE_VERIFIED_PHONE: _ClassVar[DuplicateRule]
    DUPLICATE_RULE_EMAIL_ONE_SIDE: _ClassVar[DuplicateRule]
    DUPLICATE_RULE_GMAIL: _ClassVar[DuplicateRule]
DUPLICATE_RULE_UNSPECIFIED: DuplicateRule
DUPLICATE_RULE_VERIFIED_EMAIL: DuplicateRule
DUPLICATE_RULE_VERIFIED_PHONE: DuplicateRule
DUPLICATE_RULE_EMAIL_ONE_SIDE: DuplicateRule
DUPLICATE_RULE_GMAIL: DuplicateRule

class FindDuplicatesRequest(_message.Message):
    __slots__ = ("rules", "primary", "request_id")
    class Primary(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PRIMARY_UNSPECIFIED: _ClassVar[FindDuplicatesRequest.Primary]
        PRIMARY_OLDEST: _ClassVar[FindDuplicatesRequest.Primary]
        PRIMARY_MOST_USED: _ClassVar[FindDuplicatesRequest.Primary]
    PRIMARY_UNSPECIFIED: FindDuplicatesRequest.Primary
    PRIMARY_OLDEST: FindDuplicatesRequest.Primary
    PRIMARY_MOST_USED: FindDuplicatesRequest.Primary
    RULES_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedScalarFieldContainer[DuplicateRule]
    primary: FindDuplicatesRequest.Primary
    request_id: str
    def __init__(self, rules: _Optional[_Iterable[_Union[DuplicateRule, str]]] = ..., primary: _Optional[_Union[FindDuplicatesRequest.Primary, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class FindDuplicatesResponse(_message.Message):
    __slots__ = ("plan_id", "identity_count", "cluster_count", "user_count", "marked_count", "rules", "marks", "largest")
    class OfRule(_message.Message):
        __slots__ = ("rule", "pair_count", "cluster_count")
        RULE_FIELD_NUMBER: _ClassVar[int]
        PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
        CLUSTER_COUNT_FIELD_NUMBER: _ClassVar[int]
        rule: str
        pair_count: int
        cluster_count: int
        def __init__(self, rule: _Optional[str] = ..., pair_count: _Optional[int] = ..., cluster_count: _Optional[int] = ...) -> None: ...
    class OfMark(_message.Message):
        __slots__ = ("mark", "cluster_count")
        MARK_FIELD_NUMBER: _ClassVar[int]
        CLUSTER_COUNT_FIELD_NUMBER: _ClassVar[int]
        mark: str
        cluster_count: int
        def __init__(self, mark: _Optional[str] = ..., cluster_count: _Optional[int] = ...) -> None: ...
    class Cluster(_message.Message):
        __slots__ = ("line", "user_count")
        LINE_FIELD_NUMBER: _ClassVar[int]
        USER_COUNT_FIELD_NUMBER: _ClassVar[int]
        line: int
        user_count: int
        def __init__(self, line: _Optional[int] = ..., user_count: _Optional[int] = ...) -> None: ...
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_COUNT_FIELD_NUMBER: _ClassVar[int]
    USER_COUNT_FIELD_NUMBER: _ClassVar[int]
    MARKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    LARGEST_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    identity_count: int
    cluster_count: int
    user_count: int
    marked_count: int
    rules: _containers.RepeatedCompositeFieldContainer[FindDuplicatesResponse.OfRule]
    marks: _containers.RepeatedCompositeFieldContainer[FindDuplicatesResponse.OfMark]
    largest: _containers.RepeatedCompositeFieldContainer[FindDuplicatesResponse.Cluster]
    def __init__(self, plan_id: _Optional[str] = ..., identity_count: _Optional[int] = ..., cluster_count: _Optional[int] = ..., user_count: _Optional[int] = ..., marked_count: _Optional[int] = ..., rules: _Optional[_Iterable[_Union[FindDuplicatesResponse.OfRule, _Mapping[str, object]]]] = ..., marks: _Optional[_Iterable[_Union[FindDuplicatesResponse.OfMark, _Mapping[str, object]]]] = ..., largest: _Optional[_Iterable[_Union[FindDuplicatesResponse.Cluster, _Mapping[str, object]]]] = ...) -> None: ...

class ApplyPlanRequest(_message.Message):
    __slots__ = ("operation", "validate_only", "limit", "rate", "accepted_marks", "request_id")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_MARKS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    operation: str
    validate_only: bool
    limit: int
    rate: int
    accepted_marks: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, operation: _Optional[str] = ..., validate_only: _Optional[bool] = ..., limit: _Optional[int] = ..., rate: _Optional[int] = ..., accepted_marks: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ApplyPlanResponse(_message.Message):
    __slots__ = ("plan_id", "counts", "limited")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    LIMITED_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    counts: VerdictCounts
    limited: bool
    def __init__(self, plan_id: _Optional[str] = ..., counts: _Optional[_Union[VerdictCounts, _Mapping[str, object]]] = ..., limited: _Optional[bool] = ...) -> None: ...

class UndoLinksRequest(_message.Message):
    __slots__ = ("plan_id", "rule", "service", "start_time", "end_time", "validate_only", "rate", "request_id")
    class Service(_message.Message):
        __slots__ = ("issuer", "subject")
        ISSUER_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_FIELD_NUMBER: _ClassVar[int]
        issuer: str
        subject: str
        def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    rule: _resources_pb2.SignInRule
    service: UndoLinksRequest.Service
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    validate_only: bool
    rate: int
    request_id: str
    def __init__(self, plan_id: _Optional[str] = ..., rule: _Optional[_Union[_resources_pb2.SignInRule, str]] = ..., service: _Optional[_Union[UndoLinksRequest.Service, _Mapping[str, object]]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., validate_only: _Optional[bool] = ..., rate: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class UndoLinksResponse(_message.Message):
    __slots__ = ("counts",)
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: VerdictCounts
    def __init__(self, counts: _Optional[_Union[VerdictCounts, _Mapping[str, object]]] = ...) -> None: ...

class UploadPlanRequest(_message.Message):
    __slots__ = ("lines", "complete", "request_id")
    LINES_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedScalarFieldContainer[str]
    complete: bool
    request_id: str
    def __init__(self, lines: _Optional[_Iterable[str]] = ..., complete: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class UploadPlanResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operations_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operations_pb2.Operation, _Mapping[str, object]]] = ...) -> None: ...

class ReadLinesRequest(_message.Message):
    __slots__ = ("operation", "after_line")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    AFTER_LINE_FIELD_NUMBER: _ClassVar[int]
    operation: str
    after_line: int
    def __init__(self, operation: _Optional[str] = ..., after_line: _Optional[int] = ...) -> None: ...

class ReadLinesResponse(_message.Message):
    __slots__ = ("lines",)
    class Line(_message.Message):
        __slots__ = ("number", "json")
        NUMBER_FIELD_NUMBER: _ClassVar[int]
        JSON_FIELD_NUMBER: _ClassVar[int]
        number: int
        json: str
        def __init__(self, number: _Optional[int] = ..., json: _Optional[str] = ...) -> None: ...
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[ReadLinesResponse.Line]
    def __init__(self, lines: _Optional[_Iterable[_Union[ReadLinesResponse.Line, _Mapping[str, object]]]] = ...) -> None: ...

class VerdictCounts(_message.Message):
    __slots__ = ("done", "already", "skipped")
    class Skipped(_message.Message):
        __slots__ = ("reason", "count")
        REASON_FIELD_NUMBER: _ClassVar[int]
        COUNT_FIELD_NUMBER: _ClassVar[int]
        reason: str
        count: int
        def __init__(self, reason: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...
    DONE_FIELD_NUMBER: _ClassVar[int]
    ALREADY_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    done: int
    already: int
    skipped: _containers.RepeatedCompositeFieldContainer[VerdictCounts.Skipped]
    def __init__(self, done: _Optional[int] = ..., already: _Optional[int] = ..., skipped: _Optional[_Iterable[_Union[VerdictCounts.Skipped, _Mapping[str, object]]]] = ...) -> None: ...

class JobMetadata(_message.Message):
    __slots__ = ("kind", "state", "done", "total", "counts", "line_count", "cancel_requested", "create_time", "start_time", "end_time", "actor", "find_duplicates", "apply_plan", "undo_links")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[JobMetadata.Kind]
        KIND_FIND_DUPLICATES: _ClassVar[JobMetadata.Kind]
        KIND_APPLY_PLAN: _ClassVar[JobMetadata.Kind]
        KIND_UNDO_LINKS: _ClassVar[JobMetadata.Kind]
        KIND_UPLOAD_PLAN: _ClassVar[JobMetadata.Kind]
        KIND_IMPORT_USERS: _ClassVar[JobMetadata.Kind]
        KIND_EXPORT_USERS: _ClassVar[JobMetadata.Kind]
    KIND_UNSPECIFIED: JobMetadata.Kind
    KIND_FIND_DUPLICATES: JobMetadata.Kind
    KIND_APPLY_PLAN: JobMetadata.Kind
    KIND_UNDO_LINKS: JobMetadata.Kind
    KIND_UPLOAD_PLAN: JobMetadata.Kind
    KIND_IMPORT_USERS: JobMetadata.Kind
    KIND_EXPORT_USERS: JobMetadata.Kind
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[JobMetadata.State]
        STATE_WAITING: _ClassVar[JobMetadata.State]
        STATE_RUNNING: _ClassVar[JobMetadata.State]
        STATE_SUCCEEDED: _ClassVar[JobMetadata.State]
        STATE_FAILED: _ClassVar[JobMetadata.State]
        STATE_CANCELLED: _ClassVar[JobMetadata.State]
    STATE_UNSPECIFIED: JobMetadata.State
    STATE_WAITING: JobMetadata.State
    STATE_RUNNING: JobMetadata.State
    STATE_SUCCEEDED: JobMetadata.State
    STATE_FAILED: JobMetadata.State
    STATE_CANCELLED: JobMetadata.State
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    FIND_DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    APPLY_PLAN_FIELD_NUMBER: _ClassVar[int]
    UNDO_LINKS_FIELD_NUMBER: _ClassVar[int]
    kind: JobMetadata.Kind
    state: JobMetadata.State
    done: int
    total: int
    counts: VerdictCounts
    line_count: int
    cancel_requested: bool
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    actor: _resources_pb2.Actor
    find_duplicates: FindDuplicatesRequest
    apply_plan: ApplyPlanRequest
    undo_links: UndoLinksRequest
    def __init__(self, kind: _Optional[_Union[JobMetadata.Kind, str]] = ..., state: _Optional[_Union[JobMetadata.State, str]] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., counts: _Optional[_Union[VerdictCounts, _Mapping[str, object]]] = ..., line_count: _Optional[int] = ..., cancel_requested: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., actor: _Optional[_Union[_resources_pb2.Actor, _Mapping[str, object]]] = ..., find_duplicates: _Optional[_Union[FindDuplicatesRequest, _Mapping[str, object]]] = ..., apply_plan: _Optional[_Union[ApplyPlanRequest, _Mapping[str, object]]] = ..., undo_links: _Optional[_Union[UndoLinksRequest, _Mapping[str, object]]] = ...) -> None: ...
