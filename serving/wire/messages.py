"""The messages of TF Serving's public protos that a client and the flags' files need.

Names and numbers are those of tensorflow/core/framework/tensor.proto and of
tensorflow_serving/apis and config; a test compares them with the classes that
tensorflow-serving-api brings, as far as it has them.
"""

from __future__ import annotations

from typing import Final

from serving.wire.descriptors import Field, MessageSpec, make_classes

DIM: Final = "tensorflow.TensorShapeDim"
SHAPE: Final = "tensorflow.TensorShapeProto"
TENSOR: Final = "tensorflow.TensorProto"
_INT64_VALUE: Final = "google.protobuf.Int64Value"
_STRING_VALUE: Final = "google.protobuf.StringValue"
_SERVING: Final = "tensorflow.serving."
_MODEL_SPEC: Final = _SERVING + "ModelSpec"
_STATUS: Final = _SERVING + "StatusProto"
_VERSION_STATUS: Final = _SERVING + "ModelVersionStatus"
_PROMETHEUS: Final = _SERVING + "PrometheusConfig"
_HEALTH: Final = "grpc.health.v1."

_SPECS: Final = (
    # tensorflow.TensorShapeProto.Dim by another name, which the wire does not carry.
    MessageSpec(DIM, (Field("size", 1, "int64"), Field("name", 2, "string"))),
    MessageSpec(SHAPE, (Field("dim", 2, DIM, repeated=True), Field("unknown_rank", 3, "bool"))),
    MessageSpec(
        TENSOR,
        (
            Field("dtype", 1, "int32"),
            Field("tensor_shape", 2, SHAPE),
            Field("version_number", 3, "int32"),
            Field("tensor_content", 4, "bytes"),
            Field("float_val", 5, "float", repeated=True),
            Field("double_val", 6, "double", repeated=True),
            Field("int_val", 7, "int32", repeated=True),
            Field("string_val", 8, "bytes", repeated=True),
            Field("scomplex_val", 9, "float", repeated=True),
            Field("int64_val", 10, "int64", repeated=True),
            Field("bool_val", 11, "bool", repeated=True),
            Field("dcomplex_val", 12, "double", repeated=True),
            Field("half_val", 13, "int32", repeated=True),
            Field("uint32_val", 16, "uint32", repeated=True),
            Field("uint64_val", 17, "uint64", repeated=True),
        ),
    ),
    MessageSpec(_INT64_VALUE, (Field("value", 1, "int64"),)),
    MessageSpec(_STRING_VALUE, (Field("value", 1, "string"),)),
    MessageSpec(
        _MODEL_SPEC,
        (
            Field("name", 1, "string"),
            Field("version", 2, _INT64_VALUE, oneof="version_choice"),
            Field("version_label", 4, "string", oneof="version_choice"),
            Field("signature_name", 3, "string"),
        ),
    ),
    MessageSpec(
        _SERVING + "PredictRequest",
        (
            Field("model_spec", 1, _MODEL_SPEC),
            Field("inputs", 2, TENSOR, key="string"),
            Field("output_filter", 3, "string", repeated=True),
        ),
    ),
    MessageSpec(
        _SERVING + "PredictResponse",
        (Field("model_spec", 2, _MODEL_SPEC), Field("outputs", 1, TENSOR, key="string")),
    ),
    MessageSpec(_SERVING + "GetModelStatusRequest", (Field("model_spec", 1, _MODEL_SPEC),)),
    MessageSpec(_STATUS, (Field("error_code", 1, "int32"), Field("error_message", 2, "string"))),
    MessageSpec(
        _VERSION_STATUS,
        (Field("version", 1, "int64"), Field("state", 2, "int32"), Field("status", 3, _STATUS)),
    ),
    MessageSpec(
        _SERVING + "GetModelStatusResponse",
        (Field("model_version_status", 1, _VERSION_STATUS, repeated=True),),
    ),
    MessageSpec(_PROMETHEUS, (Field("enable", 1, "bool"), Field("path", 2, "string"))),
    MessageSpec(_SERVING + "MonitoringConfig", (Field("prometheus_config", 1, _PROMETHEUS),)),
    MessageSpec(
        _SERVING + "BatchingParameters",
        (
            Field("max_batch_size", 1, _INT64_VALUE),
            Field("batch_timeout_micros", 2, _INT64_VALUE),
            Field("max_enqueued_batches", 3, _INT64_VALUE),
            Field("num_batch_threads", 4, _INT64_VALUE),
            Field("thread_pool_name", 5, _STRING_VALUE),
            Field("allowed_batch_sizes", 6, "int64", repeated=True),
            Field("pad_variable_length_inputs", 7, "bool"),
        ),
    ),
    MessageSpec(_HEALTH + "HealthCheckRequest", (Field("service", 1, "string"),)),
    MessageSpec(_HEALTH + "HealthCheckResponse", (Field("status", 1, "int32"),)),
)

_CLASSES: Final = make_classes(_SPECS)

TensorProto: Final = _CLASSES[TENSOR]
PredictRequest: Final = _CLASSES[_SERVING + "PredictRequest"]
PredictResponse: Final = _CLASSES[_SERVING + "PredictResponse"]
GetModelStatusRequest: Final = _CLASSES[_SERVING + "GetModelStatusRequest"]
GetModelStatusResponse: Final = _CLASSES[_SERVING + "GetModelStatusResponse"]
MonitoringConfig: Final = _CLASSES[_SERVING + "MonitoringConfig"]
BatchingParameters: Final = _CLASSES[_SERVING + "BatchingParameters"]
HealthCheckRequest: Final = _CLASSES[_HEALTH + "HealthCheckRequest"]
HealthCheckResponse: Final = _CLASSES[_HEALTH + "HealthCheckResponse"]
