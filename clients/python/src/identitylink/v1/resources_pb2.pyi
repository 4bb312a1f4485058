import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MetadataNamespace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METADATA_NAMESPACE_UNSPECIFIED: _ClassVar[MetadataNamespace]
    METADATA_NAMESPACE_USER: _ClassVar[MetadataNamespace]
    METADATA_NAMESPACE_APP: _ClassVar[MetadataNamespace]

class SignInRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGN_IN_RULE_UNSPECIFIED: _ClassVar[SignInRule]
    SIGN_IN_RULE_IDENTITY_KNOWN: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_MISSING: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_UNVERIFIED: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_NOT_ASCII: _ClassVar[SignInRule]
    SIGN_IN_RULE_LINKING_OFF: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_UNCLAIMED: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_UNVERIFIED_ON_OTHER_USERS: _ClassVar[SignInRule]
    SIGN_IN_RULE_PROVIDER_ALREADY_LINKED: _ClassVar[SignInRule]
    SIGN_IN_RULE_DELETED_BEFORE: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES: _ClassVar[SignInRule]
    SIGN_IN_RULE_LINKING_SUGGESTED: _ClassVar[SignInRule]
    SIGN_IN_RULE_SEVERAL_USERS: _ClassVar[SignInRule]
    SIGN_IN_RULE_NEW_USER_CHOSEN: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_VERIFIED_LONG_AGO: _ClassVar[SignInRule]
    SIGN_IN_RULE_EMAIL_CHANGED: _ClassVar[SignInRule]
    SIGN_IN_RULE_ACCOUNT_OLDER_THAN_EMAIL: _ClassVar[SignInRule]
    SIGN_IN_RULE_RELEASED_BEFORE: _ClassVar[SignInRule]
    SIGN_IN_RULE_OTHER_EMAIL_VERIFIED: _ClassVar[SignInRule]
METADATA_NAMESPACE_UNSPECIFIED: MetadataNamespace
METADATA_NAMESPACE_USER: MetadataNamespace
METADATA_NAMESPACE_APP: MetadataNamespace
SIGN_IN_RULE_UNSPECIFIED: SignInRule
SIGN_IN_RULE_IDENTITY_KNOWN: SignInRule
SIGN_IN_RULE_EMAIL_MISSING: SignInRule
SIGN_IN_RULE_EMAIL_UNVERIFIED: SignInRule
SIGN_IN_RULE_EMAIL_NOT_ASCII: SignInRule
SIGN_IN_RULE_LINKING_OFF: SignInRule
SIGN_IN_RULE_EMAIL_UNCLAIMED: SignInRule
SIGN_IN_RULE_EMAIL_UNVERIFIED_ON_OTHER_USERS: SignInRule
SIGN_IN_RULE_PROVIDER_ALREADY_LINKED: SignInRule
SIGN_IN_RULE_DELETED_BEFORE: SignInRule
SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES: SignInRule
SIGN_IN_RULE_LINKING_SUGGESTED: SignInRule
SIGN_IN_RULE_SEVERAL_USERS: SignInRule
SIGN_IN_RULE_NEW_USER_CHOSEN: SignInRule
SIGN_IN_RULE_EMAIL_VERIFIED_LONG_AGO: SignInRule
SIGN_IN_RULE_EMAIL_CHANGED: SignInRule
SIGN_IN_RULE_ACCOUNT_OLDER_THAN_EMAIL: SignInRule
SIGN_IN_RULE_RELEASED_BEFORE: SignInRule
SIGN_IN_RULE_OTHER_EMAIL_VERIFIED: SignInRule

class IdentityRef(_message.Message):
    __slots__ = ("provider", "subject")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    subject: str
    def __init__(self, provider: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("identity_ref", "connection", "email", "email_verified", "profile_data", "attach_time", "origin_user_id", "social", "email_verify_time", "email_verifier_issuer", "email_verifier_subject")
    IDENTITY_REF_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_DATA_FIELD_NUMBER: _ClassVar[int]
    ATTACH_TIME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_USER_ID_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFY_TIME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIER_ISSUER_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    identity_ref: IdentityRef
    connection: str
    email: str
    email_verified: bool
    profile_data: _struct_pb2.Struct
    attach_time: _timestamp_pb2.Timestamp
    origin_user_id: str
    social: bool
    email_verify_time: _timestamp_pb2.Timestamp
    email_verifier_issuer: str
    email_verifier_subject: str
    def __init__(self, identity_ref: _Optional[_Union[IdentityRef, _Mapping[str, object]]] = ..., connection: _Optional[str] = ..., email: _Optional[str] = ..., email_verified: _Optional[bool] = ..., profile_data: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., attach_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., origin_user_id: _Optional[str] = ..., social: _Optional[bool] = ..., email_verify_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., email_verifier_issuer: _Optional[str] = ..., email_verifier_subject: _Optional[str] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "version", "create_time", "update_time", "identities", "user_metadata", "app_metadata", "profile_overrides", "blocked", "profile")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    PROFILE_OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    user_metadata: _struct_pb2.Struct
    app_metadata: _struct_pb2.Struct
    profile_overrides: _struct_pb2.Struct
    blocked: bool
    profile: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., identities: _Optional[_Iterable[_Union[Identity, _Mapping[str, object]]]] = ..., user_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., profile_overrides: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., blocked: _Optional[bool] = ..., profile: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ...) -> None: ...

class MetadataMerge(_message.Message):
    __slots__ = ("strategy", "conflict", "arrays")
    class Strategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STRATEGY_UNSPECIFIED: _ClassVar[MetadataMerge.Strategy]
        STRATEGY_KEEP_PRIMARY: _ClassVar[MetadataMerge.Strategy]
        STRATEGY_MERGE: _ClassVar[MetadataMerge.Strategy]
    STRATEGY_UNSPECIFIED: MetadataMerge.Strategy
    STRATEGY_KEEP_PRIMARY: MetadataMerge.Strategy
    STRATEGY_MERGE: MetadataMerge.Strategy
    class Conflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CONFLICT_UNSPECIFIED: _ClassVar[MetadataMerge.Conflict]
        CONFLICT_PRIMARY_WINS: _ClassVar[MetadataMerge.Conflict]
        CONFLICT_SECONDARY_WINS: _ClassVar[MetadataMerge.Conflict]
        CONFLICT_FAIL: _ClassVar[MetadataMerge.Conflict]
    CONFLICT_UNSPECIFIED: MetadataMerge.Conflict
    CONFLICT_PRIMARY_WINS: MetadataMerge.Conflict
    CONFLICT_SECONDARY_WINS: MetadataMerge.Conflict
    CONFLICT_FAIL: MetadataMerge.Conflict
    class Arrays(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ARRAYS_UNSPECIFIED: _ClassVar[MetadataMerge.Arrays]
        ARRAYS_CONCATENATE: _ClassVar[MetadataMerge.Arrays]
        ARRAYS_UNION: _ClassVar[MetadataMerge.Arrays]
        ARRAYS_REPLACE: _ClassVar[MetadataMerge.Arrays]
    ARRAYS_UNSPECIFIED: MetadataMerge.Arrays
    ARRAYS_CONCATENATE: MetadataMerge.Arrays
    ARRAYS_UNION: MetadataMerge.Arrays
    ARRAYS_REPLACE: MetadataMerge.Arrays
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ARRAYS_FIELD_NUMBER: _ClassVar[int]
    strategy: MetadataMerge.Strategy
    conflict: MetadataMerge.Conflict
    arrays: MetadataMerge.Arrays
    def __init__(self, strategy: _Optional[_Union[MetadataMerge.Strategy, str]] = ..., conflict: _Optional[_Union[MetadataMerge.Conflict, str]] = ..., arrays: _Optional[_Union[MetadataMerge.Arrays, str]] = ...) -> None: ...

class MetadataChange(_message.Message):
    __slots__ = ("metadata_namespace", "path", "effect")
    class Effect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EFFECT_UNSPECIFIED: _ClassVar[MetadataChange.Effect]
        EFFECT_ADDED: _ClassVar[MetadataChange.Effect]
        EFFECT_CONFLICT_PRIMARY: _ClassVar[MetadataChange.Effect]
        EFFECT_CONFLICT_SECONDARY: _ClassVar[MetadataChange.Effect]
        EFFECT_COMBINED: _ClassVar[MetadataChange.Effect]
        EFFECT_WITHHELD: _ClassVar[MetadataChange.Effect]
        EFFECT_REVERSED: _ClassVar[MetadataChange.Effect]
        EFFECT_KEPT: _ClassVar[MetadataChange.Effect]
    EFFECT_UNSPECIFIED: MetadataChange.Effect
    EFFECT_ADDED: MetadataChange.Effect
    EFFECT_CONFLICT_PRIMARY: MetadataChange.Effect
    EFFECT_CONFLICT_SECONDARY: MetadataChange.Effect
    EFFECT_COMBINED: MetadataChange.Effect
    EFFECT_WITHHELD: MetadataChange.Effect
    EFFECT_REVERSED: MetadataChange.Effect
    EFFECT_KEPT: MetadataChange.Effect
    METADATA_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    metadata_namespace: MetadataNamespace
    path: str
    effect: MetadataChange.Effect
    def __init__(self, metadata_namespace: _Optional[_Union[MetadataNamespace, str]] = ..., path: _Optional[str] = ..., effect: _Optional[_Union[MetadataChange.Effect, str]] = ...) -> None: ...

class Actor(_message.Message):
    __slots__ = ("kind", "issuer", "subject", "reason")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Actor.Kind]
        KIND_USER: _ClassVar[Actor.Kind]
        KIND_SERVICE: _ClassVar[Actor.Kind]
        KIND_DELETION: _ClassVar[Actor.Kind]
        KIND_OPERATOR: _ClassVar[Actor.Kind]
        KIND_PROVIDER: _ClassVar[Actor.Kind]
    KIND_UNSPECIFIED: Actor.Kind
    KIND_USER: Actor.Kind
    KIND_SERVICE: Actor.Kind
    KIND_DELETION: Actor.Kind
    KIND_OPERATOR: Actor.Kind
    KIND_PROVIDER: Actor.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    kind: Actor.Kind
    issuer: str
    subject: str
    reason: str
    def __init__(self, kind: _Optional[_Union[Actor.Kind, str]] = ..., issuer: _Optional[str] = ..., subject: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class LinkProof(_message.Message):
    __slots__ = ("token", "service", "ticket", "verified_email", "sign_in", "plan")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[LinkProof.Kind]
        KIND_TOKEN: _ClassVar[LinkProof.Kind]
        KIND_SERVICE: _ClassVar[LinkProof.Kind]
        KIND_TICKET: _ClassVar[LinkProof.Kind]
        KIND_VERIFIED_EMAIL: _ClassVar[LinkProof.Kind]
        KIND_SIGN_IN: _ClassVar[LinkProof.Kind]
        KIND_PLAN: _ClassVar[LinkProof.Kind]
    KIND_UNSPECIFIED: LinkProof.Kind
    KIND_TOKEN: LinkProof.Kind
    KIND_SERVICE: LinkProof.Kind
    KIND_TICKET: LinkProof.Kind
    KIND_VERIFIED_EMAIL: LinkProof.Kind
    KIND_SIGN_IN: LinkProof.Kind
    KIND_PLAN: LinkProof.Kind
    class Token(_message.Message):
        __slots__ = ("issuer", "subject", "token_hash")
        ISSUER_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_FIELD_NUMBER: _ClassVar[int]
        TOKEN_HASH_FIELD_NUMBER: _ClassVar[int]
        issuer: str
        subject: str
        token_hash: bytes
        def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ..., token_hash: _Optional[bytes] = ...) -> None: ...
    class Service(_message.Message):
        __slots__ = ("issuer", "subject")
        ISSUER_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_FIELD_NUMBER: _ClassVar[int]
        issuer: str
        subject: str
        def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...
    class Ticket(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class SignIn(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class VerifiedEmail(_message.Message):
        __slots__ = ("rule",)
        RULE_FIELD_NUMBER: _ClassVar[int]
        rule: SignInRule
        def __init__(self, rule: _Optional[_Union[SignInRule, str]] = ...) -> None: ...
    class Plan(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_EMAIL_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    token: LinkProof.Token
    service: LinkProof.Service
    ticket: LinkProof.Ticket
    verified_email: LinkProof.VerifiedEmail
    sign_in: LinkProof.SignIn
    plan: LinkProof.Plan
    def __init__(self, token: _Optional[_Union[LinkProof.Token, _Mapping[str, object]]] = ..., service: _Optional[_Union[LinkProof.Service, _Mapping[str, object]]] = ..., ticket: _Optional[_Union[LinkProof.Ticket, _Mapping[str, object]]] = ..., verified_email: _Optional[_Union[LinkProof.VerifiedEmail, _Mapping[str, object]]] = ..., sign_in: _Optional[_Union[LinkProof.SignIn, _Mapping[str, object]]] = ..., plan: _Optional[_Union[LinkProof.Plan, _Mapping[str, object]]] = ...) -> None: ...

class LinkBasis(_message.Message):
    __slots__ = ("proof_kind", "rule", "plan_id")
    PROOF_KIND_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    proof_kind: LinkProof.Kind
    rule: SignInRule
    plan_id: str
    def __init__(self, proof_kind: _Optional[_Union[LinkProof.Kind, str]] = ..., rule: _Optional[_Union[SignInRule, str]] = ..., plan_id: _Optional[str] = ...) -> None: ...

class LinkRecord(_message.Message):
    __slots__ = ("id", "primary_user_id", "secondary_user_id", "moved_identities", "link_time", "undo_time", "actor", "proof", "user_metadata", "app_metadata", "require_shared_verified_email", "metadata_changes", "undo_actor", "request_id", "plan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_USER_ID_FIELD_NUMBER: _ClassVar[int]
    SECONDARY_USER_ID_FIELD_NUMBER: _ClassVar[int]
    MOVED_IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINK_TIME_FIELD_NUMBER: _ClassVar[int]
    UNDO_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_SHARED_VERIFIED_EMAIL_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    UNDO_ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    primary_user_id: str
    secondary_user_id: str
    moved_identities: _containers.RepeatedCompositeFieldContainer[IdentityRef]
    link_time: _timestamp_pb2.Timestamp
    undo_time: _timestamp_pb2.Timestamp
    actor: Actor
    proof: LinkProof
    user_metadata: MetadataMerge
    app_metadata: MetadataMerge
    require_shared_verified_email: bool
    metadata_changes: _containers.RepeatedCompositeFieldContainer[MetadataChange]
    undo_actor: Actor
    request_id: str
    plan_id: str
    def __init__(self, id: _Optional[str] = ..., primary_user_id: _Optional[str] = ..., secondary_user_id: _Optional[str] = ..., moved_identities: _Optional[_Iterable[_Union[IdentityRef, _Mapping[str, object]]]] = ..., link_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., undo_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., actor: _Optional[_Union[Actor, _Mapping[str, object]]] = ..., proof: _Optional[_Union[LinkProof, _Mapping[str, object]]] = ..., user_metadata: _Optional[_Union[MetadataMerge, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[MetadataMerge, _Mapping[str, object]]] = ..., require_shared_verified_email: _Optional[bool] = ..., metadata_changes: _Optional[_Iterable[_Union[MetadataChange, _Mapping[str, object]]]] = ..., undo_actor: _Optional[_Union[Actor, _Mapping[str, object]]] = ..., request_id: _Optional[str] = ..., plan_id: _Optional[str] = ...) -> None: ...

class OtherAccount(_message.Message):
    __slots__ = ("identity", "since")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    identity: IdentityRef
    since: _timestamp_pb2.Timestamp
    def __init__(self, identity: _Optional[_Union[IdentityRef, _Mapping[str, object]]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ...) -> None: ...
