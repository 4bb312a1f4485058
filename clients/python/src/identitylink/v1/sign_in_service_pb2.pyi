import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from identitylink.v1 import access_pb2 as _access_pb2
from identitylink.v1 import identity_service_pb2 as _identity_service_pb2
from identitylink.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListProvidersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListProvidersResponse(_message.Message):
    __slots__ = ("providers", "next_page_token")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[SignInProvider]
    next_page_token: str
    def __init__(self, providers: _Optional[_Iterable[_Union[SignInProvider, _Mapping[str, object]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SignInProvider(_message.Message):
    __slots__ = ("provider", "display_name", "social", "mode", "redirect_uris")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[SignInProvider.Mode]
        MODE_SIGN_IN: _ClassVar[SignInProvider.Mode]
        MODE_LINK_ONLY: _ClassVar[SignInProvider.Mode]
    MODE_UNSPECIFIED: SignInProvider.Mode
    MODE_SIGN_IN: SignInProvider.Mode
    MODE_LINK_ONLY: SignInProvider.Mode
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URIS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    display_name: str
    social: bool
    mode: SignInProvider.Mode
    redirect_uris: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, provider: _Optional[str] = ..., display_name: _Optional[str] = ..., social: _Optional[bool] = ..., mode: _Optional[_Union[SignInProvider.Mode, str]] = ..., redirect_uris: _Optional[_Iterable[str]] = ...) -> None: ...

class StartSignInRequest(_message.Message):
    __slots__ = ("provider", "redirect_uri", "sign_in", "link", "login_hint", "prompt", "max_age", "scopes")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    LOGIN_HINT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    provider: str
    redirect_uri: str
    sign_in: SignInIntent
    link: LinkIntent
    login_hint: str
    prompt: str
    max_age: _duration_pb2.Duration
    scopes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, provider: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., sign_in: _Optional[_Union[SignInIntent, _Mapping[str, object]]] = ..., link: _Optional[_Union[LinkIntent, _Mapping[str, object]]] = ..., login_hint: _Optional[str] = ..., prompt: _Optional[str] = ..., max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, object]]] = ..., scopes: _Optional[_Iterable[str]] = ...) -> None: ...

class SignInIntent(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LinkIntent(_message.Message):
    __slots__ = ("user_token",)
    USER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_token: str
    def __init__(self, user_token: _Optional[str] = ...) -> None: ...

class StartSignInResponse(_message.Message):
    __slots__ = ("attempt_secret", "authorization_url", "expire_time")
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    attempt_secret: str
    authorization_url: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, attempt_secret: _Optional[str] = ..., authorization_url: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ...) -> None: ...

class CompleteSignInRequest(_message.Message):
    __slots__ = ("attempt_secret", "state", "code", "iss", "user_token", "error", "request_id", "redirect_uri", "link", "validate_only")
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    USER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    attempt_secret: str
    state: str
    code: str
    iss: str
    user_token: str
    error: str
    request_id: str
    redirect_uri: str
    link: LinkTerms
    validate_only: bool
    def __init__(self, attempt_secret: _Optional[str] = ..., state: _Optional[str] = ..., code: _Optional[str] = ..., iss: _Optional[str] = ..., user_token: _Optional[str] = ..., error: _Optional[str] = ..., request_id: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., link: _Optional[_Union[LinkTerms, _Mapping[str, object]]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class LinkTerms(_message.Message):
    __slots__ = ("attach_only", "user_metadata", "app_metadata", "expected_version", "expected_secondary_version", "require_shared_verified_email")
    ATTACH_ONLY_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SECONDARY_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_SHARED_VERIFIED_EMAIL_FIELD_NUMBER: _ClassVar[int]
    attach_only: bool
    user_metadata: _resources_pb2.MetadataMerge
    app_metadata: _resources_pb2.MetadataMerge
    expected_version: int
    expected_secondary_version: int
    require_shared_verified_email: bool
    def __init__(self, attach_only: _Optional[bool] = ..., user_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., expected_version: _Optional[int] = ..., expected_secondary_version: _Optional[int] = ..., require_shared_verified_email: _Optional[bool] = ...) -> None: ...

class CompleteSignInResponse(_message.Message):
    __slots__ = ("decision", "link", "ticket", "ticket_expire_time")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    TICKET_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    decision: SignInDecision
    link: _identity_service_pb2.LinkResponse
    ticket: str
    ticket_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, decision: _Optional[_Union[SignInDecision, _Mapping[str, object]]] = ..., link: _Optional[_Union[_identity_service_pb2.LinkResponse, _Mapping[str, object]]] = ..., ticket: _Optional[str] = ..., ticket_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ...) -> None: ...

class ResolveSignInRequest(_message.Message):
    __slots__ = ("account", "sign_in_ticket", "validate_only", "request_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_TICKET_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account: ProvenAccount
    sign_in_ticket: str
    validate_only: bool
    request_id: str
    def __init__(self, account: _Optional[_Union[ProvenAccount, _Mapping[str, object]]] = ..., sign_in_ticket: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class ProvenAccount(_message.Message):
    __slots__ = ("identity_ref", "connection", "email", "email_verified", "profile_data", "sign_in_time")
    IDENTITY_REF_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_DATA_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_TIME_FIELD_NUMBER: _ClassVar[int]
    identity_ref: _resources_pb2.IdentityRef
    connection: str
    email: str
    email_verified: bool
    profile_data: _struct_pb2.Struct
    sign_in_time: _timestamp_pb2.Timestamp
    def __init__(self, identity_ref: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., connection: _Optional[str] = ..., email: _Optional[str] = ..., email_verified: _Optional[bool] = ..., profile_data: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., sign_in_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ...) -> None: ...

class ResolveSignInResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: SignInDecision
    def __init__(self, decision: _Optional[_Union[SignInDecision, _Mapping[str, object]]] = ...) -> None: ...

class SignInDecision(_message.Message):
    __slots__ = ("outcome", "user", "identity", "rule", "evidence", "candidates", "ticket", "ticket_expire_time", "link")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[SignInDecision.Outcome]
        OUTCOME_SIGNED_IN: _ClassVar[SignInDecision.Outcome]
        OUTCOME_CREATED: _ClassVar[SignInDecision.Outcome]
        OUTCOME_LINKED: _ClassVar[SignInDecision.Outcome]
        OUTCOME_CANDIDATES: _ClassVar[SignInDecision.Outcome]
        OUTCOME_REGISTRATION_NEEDED: _ClassVar[SignInDecision.Outcome]
    OUTCOME_UNSPECIFIED: SignInDecision.Outcome
    OUTCOME_SIGNED_IN: SignInDecision.Outcome
    OUTCOME_CREATED: SignInDecision.Outcome
    OUTCOME_LINKED: SignInDecision.Outcome
    OUTCOME_CANDIDATES: SignInDecision.Outcome
    OUTCOME_REGISTRATION_NEEDED: SignInDecision.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    TICKET_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    outcome: SignInDecision.Outcome
    user: _resources_pb2.User
    identity: _resources_pb2.IdentityRef
    rule: _resources_pb2.SignInRule
    evidence: _containers.RepeatedCompositeFieldContainer[EmailEvidence]
    candidates: _containers.RepeatedCompositeFieldContainer[SignInCandidate]
    ticket: str
    ticket_expire_time: _timestamp_pb2.Timestamp
    link: _resources_pb2.LinkRecord
    def __init__(self, outcome: _Optional[_Union[SignInDecision.Outcome, str]] = ..., user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., rule: _Optional[_Union[_resources_pb2.SignInRule, str]] = ..., evidence: _Optional[_Iterable[_Union[EmailEvidence, _Mapping[str, object]]]] = ..., candidates: _Optional[_Iterable[_Union[SignInCandidate, _Mapping[str, object]]]] = ..., ticket: _Optional[str] = ..., ticket_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., link: _Optional[_Union[_resources_pb2.LinkRecord, _Mapping[str, object]]] = ...) -> None: ...

class EmailEvidence(_message.Message):
    __slots__ = ("identity", "user_id", "email", "counts", "verify_time", "verifier_issuer", "verifier_subject")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    VERIFY_TIME_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_ISSUER_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    identity: _resources_pb2.IdentityRef
    user_id: str
    email: str
    counts: bool
    verify_time: _timestamp_pb2.Timestamp
    verifier_issuer: str
    verifier_subject: str
    def __init__(self, identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., user_id: _Optional[str] = ..., email: _Optional[str] = ..., counts: _Optional[bool] = ..., verify_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., verifier_issuer: _Optional[str] = ..., verifier_subject: _Optional[str] = ...) -> None: ...

class SignInCandidate(_message.Message):
    __slots__ = ("user_id", "providers", "verify_time", "other_accounts")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    VERIFY_TIME_FIELD_NUMBER: _ClassVar[int]
    OTHER_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    providers: _containers.RepeatedScalarFieldContainer[str]
    verify_time: _timestamp_pb2.Timestamp
    other_accounts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.OtherAccount]
    def __init__(self, user_id: _Optional[str] = ..., providers: _Optional[_Iterable[str]] = ..., verify_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., other_accounts: _Optional[_Iterable[_Union[_resources_pb2.OtherAccount, _Mapping[str, object]]]] = ...) -> None: ...

class ReceiveLogoutTokenRequest(_message.Message):
    __slots__ = ("provider", "logout_token")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LOGOUT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider: str
    logout_token: str
    def __init__(self, provider: _Optional[str] = ..., logout_token: _Optional[str] = ...) -> None: ...

class ReceiveLogoutTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReceiveSecurityEventsRequest(_message.Message):
    __slots__ = ("provider", "security_event_token")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SECURITY_EVENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider: str
    security_event_token: str
    def __init__(self, provider: _Optional[str] = ..., security_event_token: _Optional[str] = ...) -> None: ...

class ReceiveSecurityEventsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
