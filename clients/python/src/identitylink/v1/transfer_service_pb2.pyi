from identitylink.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImportUsersRequest(_message.Message):
    __slots__ = ("settings", "rows", "rows_end")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ROWS_END_FIELD_NUMBER: _ClassVar[int]
    settings: ImportSettings
    rows: bytes
    rows_end: ImportEnd
    def __init__(self, settings: _Optional[_Union[ImportSettings, _Mapping[str, object]]] = ..., rows: _Optional[bytes] = ..., rows_end: _Optional[_Union[ImportEnd, _Mapping[str, object]]] = ...) -> None: ...

class ImportEnd(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ImportSettings(_message.Message):
    __slots__ = ("validate_only", "providers")
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    validate_only: bool
    providers: _containers.RepeatedCompositeFieldContainer[ImportProvider]
    def __init__(self, validate_only: _Optional[bool] = ..., providers: _Optional[_Iterable[_Union[ImportProvider, _Mapping[str, object]]]] = ...) -> None: ...

class ImportProvider(_message.Message):
    __slots__ = ("name", "provider", "left_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    left_out: bool
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., left_out: _Optional[bool] = ...) -> None: ...

class ImportUsersResponse(_message.Message):
    __slots__ = ("verdicts", "summary")
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    verdicts: ImportVerdicts
    summary: ImportSummary
    def __init__(self, verdicts: _Optional[_Union[ImportVerdicts, _Mapping[str, object]]] = ..., summary: _Optional[_Union[ImportSummary, _Mapping[str, object]]] = ...) -> None: ...

class ImportVerdicts(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedCompositeFieldContainer[ImportVerdict]
    def __init__(self, verdicts: _Optional[_Iterable[_Union[ImportVerdict, _Mapping[str, object]]]] = ...) -> None: ...

class ImportVerdict(_message.Message):
    __slots__ = ("line", "outcome", "user_id", "refusals")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[ImportVerdict.Outcome]
        OUTCOME_CREATED: _ClassVar[ImportVerdict.Outcome]
        OUTCOME_PRESENT: _ClassVar[ImportVerdict.Outcome]
        OUTCOME_SKIPPED: _ClassVar[ImportVerdict.Outcome]
        OUTCOME_REFUSED: _ClassVar[ImportVerdict.Outcome]
    OUTCOME_UNSPECIFIED: ImportVerdict.Outcome
    OUTCOME_CREATED: ImportVerdict.Outcome
    OUTCOME_PRESENT: ImportVerdict.Outcome
    OUTCOME_SKIPPED: ImportVerdict.Outcome
    OUTCOME_REFUSED: ImportVerdict.Outcome
    LINE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    line: int
    outcome: ImportVerdict.Outcome
    user_id: str
    refusals: _containers.RepeatedCompositeFieldContainer[ImportRefusal]
    def __init__(self, line: _Optional[int] = ..., outcome: _Optional[_Union[ImportVerdict.Outcome, str]] = ..., user_id: _Optional[str] = ..., refusals: _Optional[_Iterable[_Union[ImportRefusal, _Mapping[str, object]]]] = ...) -> None: ...

class ImportRefusal(_message.Message):
    __slots__ = ("reason", "field", "description")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[ImportRefusal.Reason]
        REASON_INVALID: _ClassVar[ImportRefusal.Reason]
        REASON_REPEATED: _ClassVar[ImportRefusal.Reason]
        REASON_IDENTITY_TAKEN: _ClassVar[ImportRefusal.Reason]
        REASON_ID_TAKEN: _ClassVar[ImportRefusal.Reason]
        REASON_DELETED: _ClassVar[ImportRefusal.Reason]
    REASON_UNSPECIFIED: ImportRefusal.Reason
    REASON_INVALID: ImportRefusal.Reason
    REASON_REPEATED: ImportRefusal.Reason
    REASON_IDENTITY_TAKEN: ImportRefusal.Reason
    REASON_ID_TAKEN: ImportRefusal.Reason
    REASON_DELETED: ImportRefusal.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    reason: ImportRefusal.Reason
    field: str
    description: str
    def __init__(self, reason: _Optional[_Union[ImportRefusal.Reason, str]] = ..., field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ImportSummary(_message.Message):
    __slots__ = ("run_id", "row_count", "created_count", "present_count", "skipped_count", "refused_count", "providers", "verified_email_count", "counting_email_count", "shared_email_count", "losses")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRESENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_EMAIL_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTING_EMAIL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHARED_EMAIL_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    row_count: int
    created_count: int
    present_count: int
    skipped_count: int
    refused_count: int
    providers: _containers.RepeatedCompositeFieldContainer[ImportedProvider]
    verified_email_count: int
    counting_email_count: int
    shared_email_count: int
    losses: _containers.RepeatedCompositeFieldContainer[ImportLoss]
    def __init__(self, run_id: _Optional[str] = ..., row_count: _Optional[int] = ..., created_count: _Optional[int] = ..., present_count: _Optional[int] = ..., skipped_count: _Optional[int] = ..., refused_count: _Optional[int] = ..., providers: _Optional[_Iterable[_Union[ImportedProvider, _Mapping[str, object]]]] = ..., verified_email_count: _Optional[int] = ..., counting_email_count: _Optional[int] = ..., shared_email_count: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[ImportLoss, _Mapping[str, object]]]] = ...) -> None: ...

class ImportedProvider(_message.Message):
    __slots__ = ("name", "account_count", "provider", "left_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_count: int
    provider: str
    left_out: bool
    def __init__(self, name: _Optional[str] = ..., account_count: _Optional[int] = ..., provider: _Optional[str] = ..., left_out: _Optional[bool] = ...) -> None: ...

class ImportLoss(_message.Message):
    __slots__ = ("field", "row_count")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    field: str
    row_count: int
    def __init__(self, field: _Optional[str] = ..., row_count: _Optional[int] = ...) -> None: ...

class ExportUsersRequest(_message.Message):
    __slots__ = ("form", "user_ids", "since_position", "include_links")
    class Form(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORM_UNSPECIFIED: _ClassVar[ExportUsersRequest.Form]
        FORM_NEUTRAL: _ClassVar[ExportUsersRequest.Form]
        FORM_AUTH0: _ClassVar[ExportUsersRequest.Form]
    FORM_UNSPECIFIED: ExportUsersRequest.Form
    FORM_NEUTRAL: ExportUsersRequest.Form
    FORM_AUTH0: ExportUsersRequest.Form
    FORM_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    SINCE_POSITION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LINKS_FIELD_NUMBER: _ClassVar[int]
    form: ExportUsersRequest.Form
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    since_position: str
    include_links: bool
    def __init__(self, form: _Optional[_Union[ExportUsersRequest.Form, str]] = ..., user_ids: _Optional[_Iterable[str]] = ..., since_position: _Optional[str] = ..., include_links: _Optional[bool] = ...) -> None: ...

class ExportUsersResponse(_message.Message):
    __slots__ = ("position", "lines", "summary")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    position: str
    lines: bytes
    summary: ExportSummary
    def __init__(self, position: _Optional[str] = ..., lines: _Optional[bytes] = ..., summary: _Optional[_Union[ExportSummary, _Mapping[str, object]]] = ...) -> None: ...

class ExportSummary(_message.Message):
    __slots__ = ("user_count", "deleted_count", "unknown_user_ids")
    USER_COUNT_FIELD_NUMBER: _ClassVar[int]
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_count: int
    deleted_count: int
    unknown_user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_count: _Optional[int] = ..., deleted_count: _Optional[int] = ..., unknown_user_ids: _Optional[_Iterable[str]] = ...) -> None: ...
