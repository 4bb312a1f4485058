import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
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

class FeedEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEED_END_UNSPECIFIED: _ClassVar[FeedEnd]
    FEED_END_OLDEST: _ClassVar[FeedEnd]
    FEED_END_NEWEST: _ClassVar[FeedEnd]

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_USER_CREATED: _ClassVar[EventKind]
    EVENT_KIND_USER_UPDATED: _ClassVar[EventKind]
    EVENT_KIND_USER_BLOCKED: _ClassVar[EventKind]
    EVENT_KIND_USER_DELETED: _ClassVar[EventKind]
    EVENT_KIND_USER_LINKED: _ClassVar[EventKind]
    EVENT_KIND_USER_UNLINKED: _ClassVar[EventKind]
    EVENT_KIND_LINK_UNDONE: _ClassVar[EventKind]
    EVENT_KIND_IDENTITY_ATTACHED: _ClassVar[EventKind]
    EVENT_KIND_IDENTITY_DETACHED: _ClassVar[EventKind]
    EVENT_KIND_IDENTITY_UPDATED: _ClassVar[EventKind]
    EVENT_KIND_USER_METADATA_MERGED: _ClassVar[EventKind]
    EVENT_KIND_USER_PRIMARY_IDENTITY_CHANGED: _ClassVar[EventKind]
    EVENT_KIND_IDENTITY_RELEASED: _ClassVar[EventKind]
    EVENT_KIND_USERS_IMPORTED: _ClassVar[EventKind]
    EVENT_KIND_IDENTITIES_RENAMED: _ClassVar[EventKind]
    EVENT_KIND_IDENTITY_LOGGED_OUT: _ClassVar[EventKind]
    EVENT_KIND_ACCOUNT_EVENT_REPORTED: _ClassVar[EventKind]
FEED_END_UNSPECIFIED: FeedEnd
FEED_END_OLDEST: FeedEnd
FEED_END_NEWEST: FeedEnd
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_USER_CREATED: EventKind
EVENT_KIND_USER_UPDATED: EventKind
EVENT_KIND_USER_BLOCKED: EventKind
EVENT_KIND_USER_DELETED: EventKind
EVENT_KIND_USER_LINKED: EventKind
EVENT_KIND_USER_UNLINKED: EventKind
EVENT_KIND_LINK_UNDONE: EventKind
EVENT_KIND_IDENTITY_ATTACHED: EventKind
EVENT_KIND_IDENTITY_DETACHED: EventKind
EVENT_KIND_IDENTITY_UPDATED: EventKind
EVENT_KIND_USER_METADATA_MERGED: EventKind
EVENT_KIND_USER_PRIMARY_IDENTITY_CHANGED: EventKind
EVENT_KIND_IDENTITY_RELEASED: EventKind
EVENT_KIND_USERS_IMPORTED: EventKind
EVENT_KIND_IDENTITIES_RENAMED: EventKind
EVENT_KIND_IDENTITY_LOGGED_OUT: EventKind
EVENT_KIND_ACCOUNT_EVENT_REPORTED: EventKind

class ListEventsRequest(_message.Message):
    __slots__ = ("after", "from_end", "kinds", "user_id", "page_size")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    FROM_END_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    after: str
    from_end: FeedEnd
    kinds: _containers.RepeatedScalarFieldContainer[EventKind]
    user_id: str
    page_size: int
    def __init__(self, after: _Optional[str] = ..., from_end: _Optional[_Union[FeedEnd, str]] = ..., kinds: _Optional[_Iterable[_Union[EventKind, str]]] = ..., user_id: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events", "position", "has_more")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    position: str
    has_more: bool
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping[str, object]]]] = ..., position: _Optional[str] = ..., has_more: _Optional[bool] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("after", "from_end", "kinds", "user_id")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    FROM_END_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    after: str
    from_end: FeedEnd
    kinds: _containers.RepeatedScalarFieldContainer[EventKind]
    user_id: str
    def __init__(self, after: _Optional[str] = ..., from_end: _Optional[_Union[FeedEnd, str]] = ..., kinds: _Optional[_Iterable[_Union[EventKind, str]]] = ..., user_id: _Optional[str] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("events", "position", "delay_millis")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    DELAY_MILLIS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    position: str
    delay_millis: int
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping[str, object]]]] = ..., position: _Optional[str] = ..., delay_millis: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("position", "time", "tenant", "actor", "request_id", "user_created", "user_updated", "user_blocked", "user_deleted", "user_linked", "user_unlinked", "link_undone", "identity_attached", "identity_detached", "identity_updated", "user_metadata_merged", "user_primary_identity_changed", "identity_released", "users_imported", "identities_renamed", "identity_logged_out", "account_event_reported")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_CREATED_FIELD_NUMBER: _ClassVar[int]
    USER_UPDATED_FIELD_NUMBER: _ClassVar[int]
    USER_BLOCKED_FIELD_NUMBER: _ClassVar[int]
    USER_DELETED_FIELD_NUMBER: _ClassVar[int]
    USER_LINKED_FIELD_NUMBER: _ClassVar[int]
    USER_UNLINKED_FIELD_NUMBER: _ClassVar[int]
    LINK_UNDONE_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ATTACHED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_DETACHED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_UPDATED_FIELD_NUMBER: _ClassVar[int]
    USER_METADATA_MERGED_FIELD_NUMBER: _ClassVar[int]
    USER_PRIMARY_IDENTITY_CHANGED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_RELEASED_FIELD_NUMBER: _ClassVar[int]
    USERS_IMPORTED_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_RENAMED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_LOGGED_OUT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_EVENT_REPORTED_FIELD_NUMBER: _ClassVar[int]
    position: str
    time: _timestamp_pb2.Timestamp
    tenant: str
    actor: _resources_pb2.Actor
    request_id: str
    user_created: UserCreated
    user_updated: UserUpdated
    user_blocked: UserBlocked
    user_deleted: UserDeleted
    user_linked: UserLinked
    user_unlinked: UserUnlinked
    link_undone: LinkUndone
    identity_attached: IdentityAttached
    identity_detached: IdentityDetached
    identity_updated: IdentityUpdated
    user_metadata_merged: UserMetadataMerged
    user_primary_identity_changed: UserPrimaryIdentityChanged
    identity_released: IdentityReleased
    users_imported: UsersImported
    identities_renamed: IdentitiesRenamed
    identity_logged_out: IdentityLoggedOut
    account_event_reported: AccountEventReported
    def __init__(self, position: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., tenant: _Optional[str] = ..., actor: _Optional[_Union[_resources_pb2.Actor, _Mapping[str, object]]] = ..., request_id: _Optional[str] = ..., user_created: _Optional[_Union[UserCreated, _Mapping[str, object]]] = ..., user_updated: _Optional[_Union[UserUpdated, _Mapping[str, object]]] = ..., user_blocked: _Optional[_Union[UserBlocked, _Mapping[str, object]]] = ..., user_deleted: _Optional[_Union[UserDeleted, _Mapping[str, object]]] = ..., user_linked: _Optional[_Union[UserLinked, _Mapping[str, object]]] = ..., user_unlinked: _Optional[_Union[UserUnlinked, _Mapping[str, object]]] = ..., link_undone: _Optional[_Union[LinkUndone, _Mapping[str, object]]] = ..., identity_attached: _Optional[_Union[IdentityAttached, _Mapping[str, object]]] = ..., identity_detached: _Optional[_Union[IdentityDetached, _Mapping[str, object]]] = ..., identity_updated: _Optional[_Union[IdentityUpdated, _Mapping[str, object]]] = ..., user_metadata_merged: _Optional[_Union[UserMetadataMerged, _Mapping[str, object]]] = ..., user_primary_identity_changed: _Optional[_Union[UserPrimaryIdentityChanged, _Mapping[str, object]]] = ..., identity_released: _Optional[_Union[IdentityReleased, _Mapping[str, object]]] = ..., users_imported: _Optional[_Union[UsersImported, _Mapping[str, object]]] = ..., identities_renamed: _Optional[_Union[IdentitiesRenamed, _Mapping[str, object]]] = ..., identity_logged_out: _Optional[_Union[IdentityLoggedOut, _Mapping[str, object]]] = ..., account_event_reported: _Optional[_Union[AccountEventReported, _Mapping[str, object]]] = ...) -> None: ...

class UserChange(_message.Message):
    __slots__ = ("user_id", "version_before", "version_after")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_BEFORE_FIELD_NUMBER: _ClassVar[int]
    VERSION_AFTER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    version_before: int
    version_after: int
    def __init__(self, user_id: _Optional[str] = ..., version_before: _Optional[int] = ..., version_after: _Optional[int] = ...) -> None: ...

class UserCreated(_message.Message):
    __slots__ = ("user", "identities", "blocked")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    blocked: bool
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ..., blocked: _Optional[bool] = ...) -> None: ...

class UsersImported(_message.Message):
    __slots__ = ("run_id", "user_count")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    USER_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    user_count: int
    def __init__(self, run_id: _Optional[str] = ..., user_count: _Optional[int] = ...) -> None: ...

class UserUpdated(_message.Message):
    __slots__ = ("user", "changed_fields")
    USER_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    changed_fields: _field_mask_pb2.FieldMask
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., changed_fields: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, object]]] = ...) -> None: ...

class UserBlocked(_message.Message):
    __slots__ = ("user", "blocked", "changed_fields")
    USER_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    blocked: bool
    changed_fields: _field_mask_pb2.FieldMask
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., blocked: _Optional[bool] = ..., changed_fields: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, object]]] = ...) -> None: ...

class UserDeleted(_message.Message):
    __slots__ = ("user", "absorbed_user_ids", "identities")
    USER_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    absorbed_user_ids: _containers.RepeatedScalarFieldContainer[str]
    identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., absorbed_user_ids: _Optional[_Iterable[str]] = ..., identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ...) -> None: ...

class UserLinked(_message.Message):
    __slots__ = ("primary", "absorbed", "repointed_user_ids", "moved_identities", "link_id", "metadata_changes", "basis")
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_FIELD_NUMBER: _ClassVar[int]
    REPOINTED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    MOVED_IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    primary: UserChange
    absorbed: UserChange
    repointed_user_ids: _containers.RepeatedScalarFieldContainer[str]
    moved_identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    link_id: str
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    basis: _resources_pb2.LinkBasis
    def __init__(self, primary: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., absorbed: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., repointed_user_ids: _Optional[_Iterable[str]] = ..., moved_identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ..., link_id: _Optional[str] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ..., basis: _Optional[_Union[_resources_pb2.LinkBasis, _Mapping[str, object]]] = ...) -> None: ...

class UserUnlinked(_message.Message):
    __slots__ = ("user", "restored", "moved_identities", "link_id", "metadata_changes", "also_changed", "repointed_user_ids")
    USER_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    MOVED_IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    ALSO_CHANGED_FIELD_NUMBER: _ClassVar[int]
    REPOINTED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    restored: UserChange
    moved_identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    link_id: str
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    also_changed: _containers.RepeatedCompositeFieldContainer[UserChange]
    repointed_user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., restored: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., moved_identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ..., link_id: _Optional[str] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ..., also_changed: _Optional[_Iterable[_Union[UserChange, _Mapping[str, object]]]] = ..., repointed_user_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class LinkUndone(_message.Message):
    __slots__ = ("user", "restored", "repointed_user_ids", "moved_identities", "link_id", "metadata_changes", "also_changed")
    USER_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    REPOINTED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    MOVED_IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    ALSO_CHANGED_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    restored: UserChange
    repointed_user_ids: _containers.RepeatedScalarFieldContainer[str]
    moved_identities: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IdentityRef]
    link_id: str
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    also_changed: _containers.RepeatedCompositeFieldContainer[UserChange]
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., restored: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., repointed_user_ids: _Optional[_Iterable[str]] = ..., moved_identities: _Optional[_Iterable[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]]] = ..., link_id: _Optional[str] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ..., also_changed: _Optional[_Iterable[_Union[UserChange, _Mapping[str, object]]]] = ...) -> None: ...

class IdentityAttached(_message.Message):
    __slots__ = ("user", "identity", "link_id", "basis")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    identity: _resources_pb2.IdentityRef
    link_id: str
    basis: _resources_pb2.LinkBasis
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., link_id: _Optional[str] = ..., basis: _Optional[_Union[_resources_pb2.LinkBasis, _Mapping[str, object]]] = ...) -> None: ...

class IdentityDetached(_message.Message):
    __slots__ = ("user", "detached", "identity", "link_id")
    USER_FIELD_NUMBER: _ClassVar[int]
    DETACHED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    detached: UserChange
    identity: _resources_pb2.IdentityRef
    link_id: str
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., detached: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., link_id: _Optional[str] = ...) -> None: ...

class IdentityUpdated(_message.Message):
    __slots__ = ("user", "identity")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    identity: _resources_pb2.IdentityRef
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...

class UserMetadataMerged(_message.Message):
    __slots__ = ("user", "source_user_id", "link_id", "metadata_changes")
    USER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_USER_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGES_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    source_user_id: str
    link_id: str
    metadata_changes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.MetadataChange]
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., source_user_id: _Optional[str] = ..., link_id: _Optional[str] = ..., metadata_changes: _Optional[_Iterable[_Union[_resources_pb2.MetadataChange, _Mapping[str, object]]]] = ...) -> None: ...

class UserPrimaryIdentityChanged(_message.Message):
    __slots__ = ("user", "identity")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    identity: _resources_pb2.IdentityRef
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...

class IdentityReleased(_message.Message):
    __slots__ = ("user", "identity")
    USER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    identity: _resources_pb2.IdentityRef
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...

class IdentityLoggedOut(_message.Message):
    __slots__ = ("user_id", "identity")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identity: _resources_pb2.IdentityRef
    def __init__(self, user_id: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...

class AccountEventReported(_message.Message):
    __slots__ = ("user_id", "identity", "account_event", "tokens_withdrawn")
    class Event(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EVENT_UNSPECIFIED: _ClassVar[AccountEventReported.Event]
        EVENT_DISABLED: _ClassVar[AccountEventReported.Event]
        EVENT_ENABLED: _ClassVar[AccountEventReported.Event]
        EVENT_PURGED: _ClassVar[AccountEventReported.Event]
        EVENT_CREDENTIAL_CHANGE_REQUIRED: _ClassVar[AccountEventReported.Event]
        EVENT_CREDENTIAL_COMPROMISE: _ClassVar[AccountEventReported.Event]
        EVENT_CREDENTIAL_CHANGE: _ClassVar[AccountEventReported.Event]
        EVENT_SESSIONS_REVOKED: _ClassVar[AccountEventReported.Event]
        EVENT_TOKEN_CLAIMS_CHANGE: _ClassVar[AccountEventReported.Event]
        EVENT_TOKENS_REVOKED: _ClassVar[AccountEventReported.Event]
    EVENT_UNSPECIFIED: AccountEventReported.Event
    EVENT_DISABLED: AccountEventReported.Event
    EVENT_ENABLED: AccountEventReported.Event
    EVENT_PURGED: AccountEventReported.Event
    EVENT_CREDENTIAL_CHANGE_REQUIRED: AccountEventReported.Event
    EVENT_CREDENTIAL_COMPROMISE: AccountEventReported.Event
    EVENT_CREDENTIAL_CHANGE: AccountEventReported.Event
    EVENT_SESSIONS_REVOKED: AccountEventReported.Event
    EVENT_TOKEN_CLAIMS_CHANGE: AccountEventReported.Event
    EVENT_TOKENS_REVOKED: AccountEventReported.Event
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_EVENT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identity: _resources_pb2.IdentityRef
    account_event: AccountEventReported.Event
    tokens_withdrawn: bool
    def __init__(self, user_id: _Optional[str] = ..., identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., account_event: _Optional[_Union[AccountEventReported.Event, str]] = ..., tokens_withdrawn: _Optional[bool] = ...) -> None: ...

class IdentitiesRenamed(_message.Message):
    __slots__ = ("user", "renamed")
    USER_FIELD_NUMBER: _ClassVar[int]
    RENAMED_FIELD_NUMBER: _ClassVar[int]
    user: UserChange
    renamed: _containers.RepeatedCompositeFieldContainer[RenamedIdentity]
    def __init__(self, user: _Optional[_Union[UserChange, _Mapping[str, object]]] = ..., renamed: _Optional[_Iterable[_Union[RenamedIdentity, _Mapping[str, object]]]] = ...) -> None: ...

class RenamedIdentity(_message.Message):
    __slots__ = ("identity", "former")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    FORMER_FIELD_NUMBER: _ClassVar[int]
    identity: _resources_pb2.IdentityRef
    former: _resources_pb2.IdentityRef
    def __init__(self, identity: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ..., former: _Optional[_Union[_resources_pb2.IdentityRef, _Mapping[str, object]]] = ...) -> None: ...
