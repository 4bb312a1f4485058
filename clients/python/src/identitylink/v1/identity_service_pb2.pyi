import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
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

class UnlinkMetadata(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNLINK_METADATA_UNSPECIFIED: _ClassVar[UnlinkMetadata]
    UNLINK_METADATA_RESTORE: _ClassVar[UnlinkMetadata]
    UNLINK_METADATA_DISCARD: _ClassVar[UnlinkMetadata]

class UnlinkMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNLINK_MODE_UNSPECIFIED: _ClassVar[UnlinkMode]
    UNLINK_MODE_RESTORE: _ClassVar[UnlinkMode]
    UNLINK_MODE_RELEASE: _ClassVar[UnlinkMode]

class UserIdForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USER_ID_FORM_UNSPECIFIED: _ClassVar[UserIdForm]
    USER_ID_FORM_RANDOM: _ClassVar[UserIdForm]
    USER_ID_FORM_PROVIDER_SUBJECT: _ClassVar[UserIdForm]
UNLINK_METADATA_UNSPECIFIED: UnlinkMetadata
UNLINK_METADATA_RESTORE: UnlinkMetadata
UNLINK_METADATA_DISCARD: UnlinkMetadata
UNLINK_MODE_UNSPECIFIED: UnlinkMode
UNLINK_MODE_RESTORE: UnlinkMode
UNLINK_MODE_RELEASE: UnlinkMode
USER_ID_FORM_UNSPECIFIED: UserIdForm
USER_ID_FORM_RANDOM: UserIdForm
USER_ID_FORM_PROVIDER_SUBJECT: UserIdForm

class LinkRequest(_message.Message):
    __slots__ = ("user_id", "link_with", "link_ticket", "identity", "secondary_user_id", "user_metadata", "app_metadata", "expected_version", "expected_secondary_version", "validate_only", "request_id", "require_shared_verified_email", "attach_only", "plan_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_WITH_FIELD_NUMBER: _ClassVar[int]
    LINK_TICKET_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SECONDARY_USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SECONDARY_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_SHARED_VERIFIED_EMAIL_FIELD_NUMBER: _ClassVar[int]
    ATTACH_ONLY_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    link_with: str
    link_ticket: str
    identity: _resources_pb2.IdentityRef
    secondary_user_id: str
    user_metadata: _resources_pb2.MetadataMerge
    app_metadata: _resources_pb2.MetadataMerge
    expected_version: int
    expected_secondary_version: int
    validate_only: bool
    request_id: str
    require_shared_verified_email: bool
    attach_only: bool
    plan_id: str
    def __init__(self, user_id: _Optional[str] = ..., link_with: _Optional[str] = ..., link_ticket: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., secondary_user_id: _Optional[str] = ..., user_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., expected_version: _Optional[int] = ..., expected_secondary_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., require_shared_verified_email: _Optional[bool] = ..., attach_only: _Optional[bool] = ..., plan_id: _Optional[str] = ...) -> None: ...

class LinkResponse(_message.Message):
    __slots__ = ("user", "outcome", "link", "metadata_changes")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[LinkResponse.Outcome]
        OUTCOME_ABSORBED: _ClassVar[LinkResponse.Outcome]
        OUTCOME_ATTACHED: _ClassVar[LinkResponse.Outcome]
        OUTCOME_ALREADY_LINKED: _ClassVar[LinkResponse.Outcome]
    OUTCOME_UNSPECIFIED: LinkResponse.Outcome
    OUTCOME_ABSORBED: LinkResponse.Outcome
    OUTCOME_ATTACHED: LinkResponse.Outcome
    OUTCOME_ALREADY_LINKED: LinkResponse.Outcome
    USER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    outcome: LinkResponse.Outcome
    link: _resources_pb2.LinkRecord
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., outcome: _Optional[_Union[LinkResponse.Outcome, str]] = ..., link: _Optional[_Union[_resources_pb2.LinkRecord, _Mapping[str, object]]] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ...) -> None: ...

class UnlinkRequest(_message.Message):
    __slots__ = ("user_id", "identity", "metadata", "expected_version", "validate_only", "request_id", "mode")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identity: _resources_pb2.IdentityRef
    metadata: UnlinkMetadata
    expected_version: int
    validate_only: bool
    request_id: str
    mode: UnlinkMode
    def __init__(self, user_id: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., metadata: _Optional[_Union[UnlinkMetadata, str]] = ..., expected_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., mode: _Optional[_Union[UnlinkMode, str]] = ...) -> None: ...

class UnlinkResponse(_message.Message):
    __slots__ = ("user", "detached_user", "restored", "metadata_changes", "link_id", "released")
    USER_FIELD_NUMBER: _ClassVar[int]
    DETACHED_USER_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    detached_user: _resources_pb2.User
    restored: bool
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    link_id: str
    released: bool
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., detached_user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., restored: _Optional[bool] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ..., link_id: _Optional[str] = ..., released: _Optional[bool] = ...) -> None: ...

class UndoLinkRequest(_message.Message):
    __slots__ = ("link_id", "metadata", "expected_version", "validate_only", "request_id")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    metadata: UnlinkMetadata
    expected_version: int
    validate_only: bool
    request_id: str
    def __init__(self, link_id: _Optional[str] = ..., metadata: _Optional[_Union[UnlinkMetadata, str]] = ..., expected_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class UndoLinkResponse(_message.Message):
    __slots__ = ("user", "restored_user", "link", "metadata_changes")
    USER_FIELD_NUMBER: _ClassVar[int]
    RESTORED_USER_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    restored_user: _resources_pb2.User
    link: _resources_pb2.LinkRecord
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., restored_user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., link: _Optional[_Union[_resources_pb2.LinkRecord, _Mapping[str, object]]] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ...) -> None: ...

class FindByEmailRequest(_message.Message):
    __slots__ = ("email", "include_unverified", "page_size", "page_token")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_UNVERIFIED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    email: str
    include_unverified: bool
    page_size: int
    page_token: str
    def __init__(self, email: _Optional[str] = ..., include_unverified: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class FindByEmailResponse(_message.Message):
    __slots__ = ("matches", "next_page_token")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[EmailMatch]
    next_page_token: str
    def __init__(self, matches: _Optional[_Iterable[_Union[EmailMatch, _Mapping[str, object]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class EmailMatch(_message.Message):
    __slots__ = ("user", "identities", "verified")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    verified: bool
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ..., verified: _Optional[bool] = ...) -> None: ...

class GivenMetadata(_message.Message):
    __slots__ = ("user_metadata", "app_metadata")
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    user_metadata: _struct_pb2.Struct
    app_metadata: _struct_pb2.Struct
    def __init__(self, user_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ...) -> None: ...

class MergeMetadataRequest(_message.Message):
    __slots__ = ("user_id", "source_user_id", "given", "link_id", "user_metadata", "app_metadata", "expected_version", "validate_only", "request_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_USER_ID_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    source_user_id: str
    given: GivenMetadata
    link_id: str
    user_metadata: _resources_pb2.MetadataMerge
    app_metadata: _resources_pb2.MetadataMerge
    expected_version: int
    validate_only: bool
    request_id: str
    def __init__(self, user_id: _Optional[str] = ..., source_user_id: _Optional[str] = ..., given: _Optional[_Union[GivenMetadata, _Mapping[str, object]]] = ..., link_id: _Optional[str] = ..., user_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_resources_pb2.MetadataMerge, _Mapping[str, object]]] = ..., expected_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class MergeMetadataResponse(_message.Message):
    __slots__ = ("user", "metadata_changes")
    USER_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ...) -> None: ...

class NewIdentity(_message.Message):
    __slots__ = ("identity_ref", "connection", "social", "email", "email_verified", "profile_data")
    IDENTITY_REF_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_DATA_FIELD_NUMBER: _ClassVar[int]
    identity_ref: _resources_pb2.IdentityRef
    connection: str
    social: bool
    email: str
    email_verified: bool
    profile_data: _struct_pb2.Struct
    def __init__(self, identity_ref: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., connection: _Optional[str] = ..., social: _Optional[bool] = ..., email: _Optional[str] = ..., email_verified: _Optional[bool] = ..., profile_data: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ...) -> None: ...

class CreateUserRequest(_message.Message):
    __slots__ = ("identity", "user_id_form", "user_metadata", "app_metadata", "profile_overrides", "blocked", "validate_only", "request_id")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FORM_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    PROFILE_OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    identity: NewIdentity
    user_id_form: UserIdForm
    user_metadata: _struct_pb2.Struct
    app_metadata: _struct_pb2.Struct
    profile_overrides: _struct_pb2.Struct
    blocked: bool
    validate_only: bool
    request_id: str
    def __init__(self, identity: _Optional[_Union[NewIdentity, _Mapping[str, object]]] = ..., user_id_form: _Optional[_Union[UserIdForm, str]] = ..., user_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., profile_overrides: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., blocked: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateUserResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ...) -> None: ...

class GetUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetUserResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ...) -> None: ...

class UserUpdate(_message.Message):
    __slots__ = ("user_metadata", "app_metadata", "profile_overrides", "blocked")
    USER_METADATA_FIELD_NUMBER: _ClassVar[int]
    APP_METADATA_FIELD_NUMBER: _ClassVar[int]
    PROFILE_OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    user_metadata: _struct_pb2.Struct
    app_metadata: _struct_pb2.Struct
    profile_overrides: _struct_pb2.Struct
    blocked: bool
    def __init__(self, user_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., app_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., profile_overrides: _Optional[_Union[_struct_pb2.Struct, _Mapping[str, object]]] = ..., blocked: _Optional[bool] = ...) -> None: ...

class UpdateUserRequest(_message.Message):
    __slots__ = ("user_id", "update", "update_mask", "expected_version", "validate_only", "request_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    update: UserUpdate
    update_mask: _field_mask_pb2.FieldMask
    expected_version: int
    validate_only: bool
    request_id: str
    def __init__(self, user_id: _Optional[str] = ..., update: _Optional[_Union[UserUpdate, _Mapping[str, object]]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, object]]] = ..., expected_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateUserResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ...) -> None: ...

class DeleteUserRequest(_message.Message):
    __slots__ = ("user_id", "expected_version", "include_absorbed", "validate_only", "request_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ABSORBED_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    expected_version: int
    include_absorbed: bool
    validate_only: bool
    request_id: str
    def __init__(self, user_id: _Optional[str] = ..., expected_version: _Optional[int] = ..., include_absorbed: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteUserResponse(_message.Message):
    __slots__ = ("deleted_user_ids",)
    DELETED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    deleted_user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deleted_user_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class FindByIdentityRequest(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: _resources_pb2.IdentityRef
    def __init__(self, identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...

class FindByIdentityResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ...) -> None: ...

class ResolveUsersRequest(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ResolveUsersResponse(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[ResolvedUser]
    def __init__(self, users: _Optional[_Iterable[_Union[ResolvedUser, _Mapping[str, object]]]] = ...) -> None: ...

class ResolvedUser(_message.Message):
    __slots__ = ("requested_id", "state", "user_id", "since_time", "link_id")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ResolvedUser.State]
        STATE_CURRENT: _ClassVar[ResolvedUser.State]
        STATE_ABSORBED: _ClassVar[ResolvedUser.State]
        STATE_DELETED: _ClassVar[ResolvedUser.State]
        STATE_UNKNOWN: _ClassVar[ResolvedUser.State]
    STATE_UNSPECIFIED: ResolvedUser.State
    STATE_CURRENT: ResolvedUser.State
    STATE_ABSORBED: ResolvedUser.State
    STATE_DELETED: ResolvedUser.State
    STATE_UNKNOWN: ResolvedUser.State
    REQUESTED_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    requested_id: str
    state: ResolvedUser.State
    user_id: str
    since_time: _timestamp_pb2.Timestamp
    link_id: str
    def __init__(self, requested_id: _Optional[str] = ..., state: _Optional[_Union[ResolvedUser.State, str]] = ..., user_id: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., link_id: _Optional[str] = ...) -> None: ...

class SetPrimaryIdentityRequest(_message.Message):
    __slots__ = ("user_id", "identity", "expected_version", "validate_only", "request_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identity: _resources_pb2.IdentityRef
    expected_version: int
    validate_only: bool
    request_id: str
    def __init__(self, user_id: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., expected_version: _Optional[int] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetPrimaryIdentityResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _resources_pb2.User
    def __init__(self, user: _Optional[_Union[_resources_pb2.User, _Mapping[str, object]]] = ...) -> None: ...

class ListLinksRequest(_message.Message):
    __slots__ = ("user_id", "page_size", "page_token", "filter")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    page_size: int
    page_token: str
    filter: LinkFilter
    def __init__(self, user_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[LinkFilter, _Mapping[str, object]]] = ...) -> None: ...

class LinkFilter(_message.Message):
    __slots__ = ("start_time", "end_time", "proof_kind", "rule", "actor", "plan_id", "standing_only", "link_id")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PROOF_KIND_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    STANDING_ONLY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    proof_kind: _resources_pb2.LinkProof.Kind
    rule: _resources_pb2.SignInRule
    actor: _resources_pb2.Actor
    plan_id: str
    standing_only: bool
    link_id: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., proof_kind: _Optional[_Union[_resources_pb2.LinkProof.Kind, str]] = ..., rule: _Optional[_Union[_resources_pb2.SignInRule, str]] = ..., actor: _Optional[_Union[_resources_pb2.Actor, _Mapping[str, object]]] = ..., plan_id: _Optional[str] = ..., standing_only: _Optional[bool] = ..., link_id: _Optional[str] = ...) -> None: ...

class ListLinksResponse(_message.Message):
    __slots__ = ("links", "next_page_token")
    LINKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[_resources_pb2.LinkRecord]
    next_page_token: str
    def __init__(self, links: _Optional[_Iterable[_Union[_resources_pb2.LinkRecord, _Mapping[str, object]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListUsersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUsersResponse(_message.Message):
    __slots__ = ("users", "next_page_token", "position")
    USERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[_resources_pb2.User]
    next_page_token: str
    position: str
    def __init__(self, users: _Optional[_Iterable[_Union[_resources_pb2.User, _Mapping[str, object]]]] = ..., next_page_token: _Optional[str] = ..., position: _Optional[str] = ...) -> None: ...

class ListLinkCandidatesRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ListLinkCandidatesResponse(_message.Message):
    __slots__ = ("candidates",)
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[LinkCandidate]
    def __init__(self, candidates: _Optional[_Iterable[_Union[LinkCandidate, _Mapping[str, object]]]] = ...) -> None: ...

class LinkCandidate(_message.Message):
    __slots__ = ("user_id", "shared_emails", "providers", "handle", "reasons", "other_accounts", "other_providers")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[LinkCandidate.Reason]
        REASON_SHARED_VERIFIED_EMAIL: _ClassVar[LinkCandidate.Reason]
        REASON_WAS_LINKED_BEFORE: _ClassVar[LinkCandidate.Reason]
    REASON_UNSPECIFIED: LinkCandidate.Reason
    REASON_SHARED_VERIFIED_EMAIL: LinkCandidate.Reason
    REASON_WAS_LINKED_BEFORE: LinkCandidate.Reason
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SHARED_EMAILS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    OTHER_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    OTHER_PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    shared_emails: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    handle: str
    reasons: _containers.RepeatedScalarFieldContainer[LinkCandidate.Reason]
    other_accounts: _containers.RepeatedCompositeFieldContainer[_resources_pb2.OtherAccount]
    other_providers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_id: _Optional[str] = ..., shared_emails: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., handle: _Optional[str] = ..., reasons: _Optional[_Iterable[_Union[LinkCandidate.Reason, str]]] = ..., other_accounts: _Optional[_Iterable[_Union[_resources_pb2.OtherAccount, _Mapping[str, object]]]] = ..., other_providers: _Optional[_Iterable[str]] = ...) -> None: ...

class ListConnectionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListConnectionsResponse(_message.Message):
    __slots__ = ("connections", "next_page_token")
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[Connection]
    next_page_token: str
    def __init__(self, connections: _Optional[_Iterable[_Union[Connection, _Mapping[str, object]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Connection(_message.Message):
    __slots__ = ("name", "provider")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ...) -> None: ...

class GetProviderTokenRequest(_message.Message):
    __slots__ = ("user_id", "identity", "scopes")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identity: _resources_pb2.IdentityRef
    scopes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_id: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., scopes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetProviderTokenResponse(_message.Message):
    __slots__ = ("access_token", "token_type", "expire_time", "scopes")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    token_type: str
    expire_time: _timestamp_pb2.Timestamp
    scopes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, access_token: _Optional[str] = ..., token_type: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., scopes: _Optional[_Iterable[str]] = ...) -> None: ...
