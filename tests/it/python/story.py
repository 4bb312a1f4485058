"""The tutorial's story in Python, with stubs generated from the protos. argv is the server's address and
the tokens as JSON. Prints what happened, a line each."""

import json
import sys

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from identitylink.v1 import identity_service_pb2 as pb
from identitylink.v1 import identity_service_pb2_grpc
from identitylink.v1 import resources_pb2

ADDRESS, TOKENS = sys.argv[1], json.loads(sys.argv[2])
GOOGLE = resources_pb2.IdentityRef(provider="google-oauth2", subject="115015401343387192604")
SMS = resources_pb2.IdentityRef(provider="sms", subject="560ebaeef609ee1adaa7c551")
GITHUB = resources_pb2.IdentityRef(provider="github", subject="1")
EMAIL = "your0@email.com"


def say(what, value):
    print(f"{what}: {json.dumps(value, sort_keys=True)}")


def plain(struct):
    """A Struct as JSON has it."""
    return json_format.MessageToDict(struct)


def providers(user):
    return [identity.identity_ref.provider for identity in user.identities]


def call(rpc, message, token):
    """Calls with a deadline, as every client should."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    return rpc(message, metadata=metadata, timeout=120)


def refused(rpc, message, token):
    """The code, the reason and the wrong fields of a call that must be refused."""
    try:
        answer = call(rpc, message, token)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        found = {"code": error.code().name}
        for detail in status.details if status else []:
            info, wrong = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                found["reason"] = f"{info.domain}/{info.reason}"
            if detail.Unpack(wrong):
                found["fields"] = [violation.field for violation in wrong.field_violations]
        return found
    raise AssertionError(f"it was not refused: {answer}")


def create(service, identity_ref, email, user_metadata, app_metadata):
    identity = pb.NewIdentity(identity_ref=identity_ref, email=email, email_verified=bool(email))
    request = pb.CreateUserRequest(identity=identity)
    request.user_metadata.update(user_metadata)
    request.app_metadata.update(app_metadata)
    return call(service.CreateUser, request, TOKENS["service"]).user


def main():
    with grpc.insecure_channel(ADDRESS) as channel:
        service = identity_service_pb2_grpc.IdentityServiceStub(channel)

        # Every kind of JSON value, there and back.
        wild = {"": None, "é": [True, 1.5, -3, "\U0001f600", {"deep": []}], "empty": {}}
        google = create(service, GOOGLE, EMAIL, {"color": "red", "wild": wild}, {"roles": ["Admin"]})
        sms = create(service, SMS, "", {"color": "blue", "size": 7}, {"roles": ["AppAdmin"]})
        assert plain(google.user_metadata)["wild"] == wild, google
        say("created", [providers(google), providers(sms)])

        found = call(service.FindByEmail, pb.FindByEmailRequest(email=EMAIL.upper()), TOKENS["service"])
        assert [match.user for match in found.matches] == [google], found
        say("found by email", [match.verified for match in found.matches])

        request = pb.LinkRequest(link_with=TOKENS["proof"])
        request.user_metadata.strategy = resources_pb2.MetadataMerge.STRATEGY_MERGE
        linked = call(service.Link, request, TOKENS["person"])
        assert linked.user.id == google.id, linked
        say("linked", [pb.LinkResponse.Outcome.Name(linked.outcome), providers(linked.user)])
        for change in linked.metadata_changes:
            say("merged", [change.path, resources_pb2.MetadataChange.Effect.Name(change.effect)])

        again = call(service.Link, request, TOKENS["person"])
        say("linked again", pb.LinkResponse.Outcome.Name(again.outcome))
        assert again.user == linked.user and again.link == linked.link, again

        request = pb.UnlinkRequest(user_id=google.id, identity=SMS)
        unlinked = call(service.Unlink, request, TOKENS["service"])
        assert unlinked.restored and unlinked.detached_user.id == sms.id, unlinked
        say("unlinked", [providers(unlinked.user), plain(unlinked.detached_user.user_metadata)])

        request = pb.MergeMetadataRequest(user_id=google.id, source_user_id=sms.id)
        request.app_metadata.strategy = resources_pb2.MetadataMerge.STRATEGY_MERGE
        request.app_metadata.arrays = resources_pb2.MetadataMerge.ARRAYS_UNION
        merged = call(service.MergeMetadata, request, TOKENS["service"])
        say("app_metadata", plain(merged.user.app_metadata))

        create(service, GITHUB, "", {}, {})
        get = pb.GetUserRequest(user_id=google.id)
        say("without a token", refused(service.GetUser, get, None))
        say("with rubbish", refused(service.GetUser, get, "rubbish"))
        say("another user's", refused(service.GetUser, get, TOKENS["other_person"]))
        request = pb.CreateUserRequest(identity=pb.NewIdentity(identity_ref=SMS), user_id_form=99)
        request.user_metadata.update({"a": [{"b": 1e300}]})
        say("wrong fields", refused(service.CreateUser, request, TOKENS["service"]))
        request = pb.CreateUserRequest(identity=pb.NewIdentity(identity_ref=SMS))
        say("taken", refused(service.CreateUser, request, TOKENS["service"]))
        request = pb.MergeMetadataRequest(user_id=google.id, source_user_id=sms.id)
        request.user_metadata.strategy = resources_pb2.MetadataMerge.STRATEGY_MERGE
        request.user_metadata.conflict = resources_pb2.MetadataMerge.CONFLICT_FAIL
        say("conflict", refused(service.MergeMetadata, request, TOKENS["service"]))


main()
