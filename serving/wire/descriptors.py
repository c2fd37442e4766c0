"""Makes message classes from a description, in a descriptor pool of their own.

The Python package with TF Serving's protos imports TensorFlow, which takes seconds and
hundreds of megabytes; some of the protos it does not have at all. A pool apart keeps these
classes and TensorFlow's from meeting in one process.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final[Mapping[str, int]] = {
    "double": _FIELD.TYPE_DOUBLE,
    "float": _FIELD.TYPE_FLOAT,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "int32": _FIELD.TYPE_INT32,
    "uint32": _FIELD.TYPE_UINT32,
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
      name: of the field.
      number: on the wire.
      kind: a scalar type, or the full name of a message.
      repeated: whether it is a list.
      key: of a map, the kind of its keys; a map is repeated by nature.
      oneof: name of the choice it belongs to.
    """

    name: str
    number: int
    kind: str
    repeated: bool = False
    key: str | None = None
    oneof: str | None = None


@dataclasses.dataclass(frozen=True)
class MessageSpec:
    """A message: its full name, with the package, and its fields.

    An enumeration is described as int32, which is the same on the wire.
    """

    name: str
    fields: tuple[Field, ...]


def make_classes(specs: Sequence[MessageSpec]) -> dict[str, type[Message]]:
    """Message classes by full name; a message stands before those that use it."""
    pool = descriptor_pool.DescriptorPool()
    for spec in specs:
        pool.AddSerializedFile(_file(spec).SerializeToString())
    make = getattr(message_factory, "GetMessageClass", None)  # protobuf 4 brought it
    if make is None:
        make = message_factory.MessageFactory(pool).GetPrototype
    return {spec.name: make(pool.FindMessageTypeByName(spec.name)) for spec in specs}


def _file(spec: MessageSpec) -> Message:
    package, _, name = spec.name.rpartition(".")
    used = {field.kind for field in spec.fields if field.kind not in _SCALARS}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{spec.name}.proto",
        package=package,
        syntax="proto3",
        dependency=[f"{kind}.proto" for kind in sorted(used)],
    )
    message = file.message_type.add(name=name)
    oneofs = list(dict.fromkeys(field.oneof for field in spec.fields if field.oneof))
    for oneof in oneofs:
        message.oneof_decl.add(name=oneof)
    for field in spec.fields:
        _add_field(message, spec.name, field, oneofs)
    return file


def _add_field(message: Message, owner: str, field: Field, oneofs: Sequence[str]) -> None:
    added = message.field.add(name=field.name, number=field.number)
    many = field.repeated or field.key is not None
    added.label = _FIELD.LABEL_REPEATED if many else _FIELD.LABEL_OPTIONAL
    if field.oneof is not None:
        added.oneof_index = oneofs.index(field.oneof)
    if field.key is None:
        _set_kind(added, field.kind)
        return
    entry = message.nested_type.add(
        name="".join(part.capitalize() for part in field.name.split("_")) + "Entry"
    )
    entry.options.map_entry = True
    for name, number, kind in (("key", 1, field.key), ("value", 2, field.kind)):
        part = entry.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
        _set_kind(part, kind)
    added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{owner}.{entry.name}"


def _set_kind(field: Message, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{kind}"
