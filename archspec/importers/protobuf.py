"""Messages of protocol buffers by a table of the few fields that are read; no generated code is needed.

The package protobuf reads them: it knows what a file has beside these fields, and how deep messages may be nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.importers.tensors import missing_package

OPTIONAL, REPEATED = 1, 3
FLOAT, INT64, INT32, STRING, MESSAGE, BYTES = 2, 3, 5, 9, 11, 12

MOST_BYTES = 2**31 - 1
"""What one message may have."""

Table = Mapping[str, tuple[tuple[str, int, int, int, str], ...]]
"""By message its fields: name, number, label, type, and the message that they hold."""


def message_classes(package: str, table: Table, what: str) -> Mapping[str, Any]:
    """The messages of a table as classes; raises :class:`Fault` where protobuf is not installed."""
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
