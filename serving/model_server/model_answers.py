"""What a server says of its models: status of versions, and signatures."""

from __future__ import annotations

from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.model_server.core import ServerCore
from serving.model_server.signature_names import SIGNATURE_DEF
from serving.wire.status import Code, StatusError, invalid_argument


def model_status(core: ServerCore, request: Message) -> Message:
    """The answer to a `GetModelStatusRequest`.

    A version label is not looked at: TF Serving answers with all versions then, too.

    Raises:
      StatusError: no model is named, or it has no such version.
    """
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    spec = request.model_spec
    states = core.states(spec.name)
    if spec.WhichOneof("version_choice") == "version":
        version = spec.version.value
        if version not in states:
            raise StatusError(
                Code.NOT_FOUND, f"Could not find version {version} of model {spec.name}"
            )
        states = {version: states[version]}
    elif not states:
        raise StatusError(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for version, state in states.items():
        added = response.model_version_status.add(version=version, state=int(state.state))
        added.status.error_code = int(state.code)
        added.status.error_message = state.message
    return response


def model_metadata(core: ServerCore, request: Message) -> Message:
    """The answer to a `GetModelMetadataRequest`.

    Raises:
      StatusError: no model or field is named, or there is none such.
    """
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    if not request.metadata_field:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != SIGNATURE_DEF:
            # TF Serving's own message forgets to put the name in the place of %s.
            raise invalid_argument("Metadata field %s is not supported", field)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    with core.use(request.model_spec) as servable:
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        response.metadata[SIGNATURE_DEF].Pack(signatures)
    return response
