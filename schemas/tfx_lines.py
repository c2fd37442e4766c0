"""What differs between the TFX lines that goalpath runs on, and nothing else.

Each function says what differs, why, and with which line it can go. Nothing here imports
TFX, TensorFlow or KFP before it is called.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import kfp


def create_pipeline(client: kfp.Client, name: str, namespace: str | None) -> Any:
    """Makes a pipeline without versions on a Kubeflow server.

    KFP's client has no method for that. Its generated API calls it `create_pipeline` with
    kfp 2.5, which TFX 1.16 holds to, and `pipeline_service_create_pipeline` with kfp 2.17.
    The first can go with TFX 1.16.

    Returns:
      The server's `V2beta1Pipeline`.
    """
    import kfp_server_api  # noqa: PLC0415  it comes with kfp

    pipeline = kfp_server_api.V2beta1Pipeline(display_name=name, namespace=namespace)
    create = getattr(client.pipelines, "pipeline_service_create_pipeline", None)
    return (create or client.pipelines.create_pipeline)(pipeline)


def print_defaults() -> dict[str, bool]:
    """The option of `json_format.MessageToJson` that prints fields without a value, too.

    protobuf 5.26 gave it another name; TFX 1.16 holds to protobuf 3.20, TFX 1.21 has 6. The
    older name can go with TFX 1.16.
    """
    from google.protobuf import json_format  # noqa: PLC0415  not all that import this have it

    known = inspect.signature(json_format.MessageToJson).parameters
    new = "always_print_fields_with_no_presence"
    return {new if new in known else "including_default_value_fields": True}
