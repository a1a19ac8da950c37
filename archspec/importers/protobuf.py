"""Protocol buffers' messages, defined by a table of the few fields that are read; no generated code is needed.

The package protobuf parses them: it skips other fields, and limits how deep messages may be nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.importers.tensors import missing_package

OPTIONAL, REPEATED = 1, 3
FLOAT, INT64, INT32, MESSAGE, BYTES = 2, 3, 5, 11, 12

MOST_BYTES = 2**31 - 1
"""The size of the largest message that the package parses."""

Table = Mapping[str, tuple[tuple[str, int, int, int, str], ...]]
"""The fields of each message: name, number, label, type, and the type of a nested message."""


def message_classes(package: str, table: Table, what: str) -> Mapping[str, Any]:
    """The messages of a table as classes; raises :class:`Fault` if protobuf is not installed."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise missing_package(what, "protobuf") from None
    file: Any = descriptor_pb2.FileDescriptorProto(name=f"archspec/{package}.proto", package=f"archspec.{package}")
    for name, fields in table.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind, of in fields:
            message.field.add(
                name=field, number=number, label=label, type=kind, type_name=f".archspec.{package}.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"archspec.{package}.{name}") for name in table}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


def is_filled(message: Any, content: bytes) -> bool:
    """Whether the content of a file is such a message, which then has its fields."""
    from google.protobuf.message import DecodeError

    try:
        message.ParseFromString(content)
    except DecodeError:
        return False
    return True
