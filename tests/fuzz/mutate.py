"""Hostile files made of sound ones: bytes, JSON values and protobuf fields changed by somebody who knows the format."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

__all__ = ["bytes_changed", "json_changed", "onnx_changed"]

_NUMBERS = (0, -1, 1, 2, 3, 7, 64, 1000, 10**9, 2**31, 2**62, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -1.0, 0.5, 0.3, 1e-45, 1e38, float("inf"), float("nan"), 2.0**-140, 2.0**100)
_TEXTS = ("", "x", "t1", "t3", "Quant", "Conv", "Relu", "Identity", "Dropout", "Constant", "ConstantOfShape", "Expand",
          "If", "Loop", "Sigmoid", "ArgMax", "Transpose", "Resize", "Concat", "Cast", "Pad", "MaxPool", "AveragePool",
          "ConvTranspose", "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "antigravity", "n" * 5000,
          "\x1b[2J", "../../etc/passwd", "ROUND", "nearest", "axis", "kernel_shape", "\u2028")
_VALUES = (None, True, "", "fixed<8,4>", "ufixed<999,-999,RND,SAT>", "n" * 5000, -1, 0, 3, 2.5, 1e308, 10**9, 10**399,
           [], {}, [[]], {"a": {}}, [1] * 50, "\ud800", "\x1b[31m\x07")


def bytes_changed(content: bytes, source: random.Random) -> bytes:
    """Cut short, overwritten, doubled in places, or bits flipped."""
    place = source.randrange(len(content) + 1)
    end = min(len(content), place + source.choice((1, 2, 8, 200)))
    return source.choice((
        lambda: content[:place],
        lambda: content[:place] + source.randbytes(end - place) + content[end:],
        lambda: content[:place] + content[place:end] * 3 + content[end:],
        lambda: content[:place] + content[end:],
        lambda: bytes(byte ^ (1 << source.randrange(8)) if source.random() < 0.01 else byte for byte in content),
    ))()


def json_changed(content: bytes, source: random.Random) -> bytes:
    """Some values, keys or whole parts of a JSON file are others, or it nests deeply."""
    value = json.loads(content)
    for _ in range(source.choice((1, 1, 2, 5))):
        places = list(_places(value))
        holder, key = source.choice(places)
        change = source.randrange(5)
        if change == 0 and isinstance(holder, dict):
            holder[source.choice(_TEXTS)] = holder.pop(key)
        elif change == 1:
            del holder[key]
        elif change == 2:
            other, name = source.choice(places)
            holder[key] = copy.deepcopy(other[name]) if name in other or (isinstance(other, list) and name < len(
                other)) else None
        else:
            holder[key] = copy.deepcopy(source.choice(_VALUES))
        if not value:
            break
    text = json.dumps(value)
    if source.random() < 0.1:
        depth = source.choice((50, 900, 100_000))
        text = text.replace("1", "[" * depth + "1" + "]" * depth, 1)
    if source.random() < 0.1:
        text = text.replace("1", source.choice(("NaN", "Infinity", "1e999", "9" * 400, "9" * 5000, "-0", "0x1")), 1)
    return text.encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def onnx_changed(content: bytes, source: random.Random) -> bytes:
    """Some fields of an ONNX file are others, are gone, or come twice."""
    proto = onnx.load_model_from_string(content)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        message, field = source.choice(list(_fields(proto)))
        _change(message, field, source)
    return bytes(proto.SerializePartialToString())


def _fields(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for part in value if field.is_repeated else (value,):
                yield from _fields(part)


def _change(message: Message, field: FieldDescriptor, source: random.Random) -> None:
    held = getattr(message, field.name)
    if field.is_repeated:
        index = source.randrange(len(held))
        kind = source.randrange(4)
        if kind == 0:
            del held[index]
        elif kind == 1:
            held.extend([held[index]] * source.choice((1, 1, 20)))
        elif kind == 2 or field.message_type is not None:
            other = source.randrange(len(held))
            one, two = copy.deepcopy(held[index]), copy.deepcopy(held[other])
            if field.message_type is not None:
                held[index].CopyFrom(two)
                held[other].CopyFrom(one)
            else:
                held[index], held[other] = two, one
        else:
            held[index] = _value(field, source)
    elif field.message_type is not None or source.random() < 0.2:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _value(field, source))


def _value(field: FieldDescriptor, source: random.Random) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = source.choice(_TEXTS)
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return source.choice(_FLOATS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return source.choice([value.number for value in field.enum_type.values])
    narrow = field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32)
    number = source.choice(_NUMBERS)
    if narrow:
        number = max(-(2**31), min(number, 2**31 - 1))
    return abs(number) if field.cpp_type in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64) else number
