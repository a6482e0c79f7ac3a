"""Hostile variants of valid inputs, drawn from a seed: of JSON, safetensors, GGUF, tables and texts."""

from __future__ import annotations

import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any

DEEP = 10_000
_RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "-" + "9" * 400, "9" * 5000, "1" * 20, "-1",
    "0", "-0.0", "1e-320", "0.5", "4294967296", "9223372036854775808", "1000000000", "1000000000000000000", "true",
    "false", "null", '""', '"\\ud800"', '"\\u0000"', '"\\u202e x"', '"<img src=x onerror=alert(1)>"',
    '"../../../etc/passwd"', "[]", "{}", "[[]]", "[null]", "[1e999]", '{"": ""}',
    "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP,
    "[" * 70 + "]" * 70, '"' + "x" * 100_000 + '"', "[" + "0," * 20_000 + "0]", "[" + "[]," * 20_000 + "[]]",
    '"\\ud83d\\ude00"', "tru", '"', "[1,]", "0x10", "1_000", '" 5 "', "[0, -1]", "[1000000000, 1000000000]",
)  # fmt: skip
"""JSON, and what is nearly JSON, for a value."""
_INTEGERS = (0, 1, 2, 3, 7, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 10**9, 10**18, 2**63 - 1, 2**63, 2**64 - 1)
_PIECES = (
    "\0", "\ufeff", "\u202e", "\u2028", "\u0301", "\r", "\n", "\r\n", "\t", '"', "'", ",", ";", "#", "@", ":", "=", "-",
    ".", "/", "\\", "(", "[", "{", "*", "%", "~", "<", ">", "mean:", "0-3", "1e999", "nan", "inf", "9" * 400, "١٢", "²",
    "İ", "\ud800", "🪁", " ", "  ", "a" * 5000, "(?x)", "{1000}", "|", "file:///etc/passwd", "https://",
    "huggingface.co/", "__",
)  # fmt: skip

Draws = random.Random


def of_bytes(data: bytes, draws: Draws) -> bytes:
    """A few bytes or numbers changed, cut, put in or doubled."""
    made = bytearray(data)
    for _ in range(draws.choice((1, 1, 1, 2, 4, 16))):
        place, kind = draws.randrange(len(made) + 1), draws.randrange(7)
        if kind == 0 and made:
            made[place % len(made)] ^= 1 << draws.randrange(8)
        elif kind == 1:
            made[place:place] = draws.randbytes(draws.choice((1, 4, 64)))
        elif kind == 2:
            del made[place : place + draws.choice((1, 8, 100))]
        elif kind == 3:
            del made[place:]
        elif kind == 4:
            made[place:place] = made[draws.randrange(len(made) + 1) :][: draws.choice((4, 64, 1000))]
        else:  # a count, a length or an offset that lies
            width, place = draws.choice(((4, "<I"), (8, "<Q"))), place // 4 * 4
            made[place : place + width[0]] = struct.pack(width[1], draws.choice(_INTEGERS) % 256 ** width[0])
    return bytes(made)


def of_json(data: bytes, draws: Draws) -> bytes:
    """Values of other types, fields missing, doubled or unknown, at one to three places; sometimes broken bytes too."""
    text = _json_text(json.loads(data), draws)
    made = text.encode("utf-8", "surrogatepass")
    return of_bytes(made, draws) if draws.random() < 0.15 else made


def _json_text(tree: Any, draws: Draws) -> str:
    marks: dict[str, str] = {}
    for _ in range(draws.choice((1, 1, 1, 2, 3))):
        tree = _changed(tree, draws, marks)
    text = json.dumps(tree, ensure_ascii=draws.random() < 0.5)
    for mark, raw in marks.items():
        text = text.replace(f'"{mark}"', raw)
    return text


def _changed(tree: Any, draws: Draws, marks: dict[str, str]) -> Any:
    """The tree with one node changed: any node as likely as another."""
    nodes: list[tuple[Any, Any]] = []  # (holder, key)

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            nodes.append((node, key))
            walk(node[key])

    walk(tree)
    mark = f"@@{len(marks)}@@"
    if not nodes or draws.random() < 0.01:
        marks[mark] = draws.choice(_RAW)
        return mark
    holder, key = draws.choice(nodes)
    kind = draws.randrange(10)
    if kind < 5:
        marks[mark] = draws.choice(_RAW)
        holder[key] = mark
    elif kind == 5:
        del holder[key]
    elif kind == 6 and isinstance(holder, dict):
        holder[draws.choice(("format", "items", "extra", "", "__class__", "x" * 1000))] = holder[key]
    elif kind == 7 and isinstance(holder, dict):  # the same key twice
        marks[mark] = f"{json.dumps(holder[key])}, {json.dumps(key)}: {draws.choice(_RAW)}"
        holder[key] = mark
    elif kind == 8 and isinstance(holder[key], list):
        holder[key] = holder[key] * draws.choice((0, 2, 50))
    else:
        other, name = draws.choice(nodes)
        holder[key] = json.loads(json.dumps(other[name])) if name in other or isinstance(other, list) else None
    return tree


def of_safetensors(data: bytes, draws: Draws) -> bytes:
    """A header whose lengths, offsets, types and document lie; values that are not finite; cut and broken files."""
    length = int.from_bytes(data[:8], "little")
    kind = draws.randrange(10)
    if kind < 2:
        return of_bytes(data, draws)
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    text = ""
    if kind < 6 and "steering_playground" in header.get("__metadata__", {}):
        document = json.loads(header["__metadata__"]["steering_playground"])
        header["__metadata__"]["steering_playground"] = _json_text(document, draws)
    elif kind < 9:
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        entry = draws.choice(tensors)
        edit = draws.randrange(6)
        if edit == 0:
            entry["data_offsets"] = [draws.choice(_INTEGERS), draws.choice(_INTEGERS)]
        elif edit == 1:
            entry["shape"] = [draws.choice(_INTEGERS) for _ in range(draws.randrange(4))]
        elif edit == 2:
            entry["dtype"] = draws.choice(("F16", "BF16", "I64", "F8_E4M3", "F64", "BOOL", "F4", "", 5, None))
        elif edit == 3:
            entry["data_offsets"] = draws.choice(tensors)["data_offsets"]
        else:
            text = _json_text(header, draws)
    for place in range(0, len(body) - 4, 4):
        if draws.random() < (0.02 if kind == 9 else 0):
            body[place : place + 4] = struct.pack("<f", draws.choice((float("nan"), float("inf"), -1e38, -1.0, 0.0)))
    written = (text or json.dumps(header)).encode("utf-8", "surrogatepass")
    told = draws.choice(_INTEGERS) if draws.random() < 0.05 else len(written)
    return struct.pack("<Q", told) + written + bytes(body)


def of_gguf(data: bytes, draws: Draws) -> bytes:
    """Numbers of the head that lie; broken bytes, most of them before the weights."""
    keys = [found.start() for found in re.finditer(rb"llama\.", data)]
    if keys and draws.random() < 0.4:
        made = bytearray(data)
        for _ in range(draws.choice((1, 1, 2))):
            key = draws.choice(keys)
            value = key + int.from_bytes(data[key - 8 : key], "little") + 4
            made[value : value + 4] = struct.pack("<I", draws.choice(_INTEGERS) % 2**32)
        return bytes(made)
    head = draws.choice((40, 400, 4000, len(data)))
    return of_bytes(data[:head], draws) + data[head:]


def of_lines(data: bytes, draws: Draws) -> bytes:
    """Lines and tables: other encodings, quotes that never close, giant fields, NUL, other ends of lines."""
    text = data.decode()
    for _ in range(draws.choice((1, 1, 2, 5))):
        place, kind = draws.randrange(len(text) + 1), draws.randrange(6)
        lines = text.split("\n")
        number = draws.randrange(len(lines))
        if kind == 0:
            text = text[:place] + draws.choice(_PIECES) * draws.choice((1, 1, 3)) + text[place:]
        elif kind == 1:
            text = text[:place]
        elif kind == 2:
            lines[number:number] = [draws.choice(lines)] * draws.choice((1, 3, 100))
            text = "\n".join(lines)
        elif kind == 3 and lines[number].startswith("{"):
            try:
                lines[number] = _json_text(json.loads(lines[number]), draws)
            except (ValueError, RecursionError):  # changed before
                lines[number] = lines[number][::-1]
            text = "\n".join(lines)
        elif kind == 4:
            text = text[:place] + draws.choice("ax,\t \"\n") * draws.choice((1000, 140_000)) + text[place:]
        else:
            text = text.replace(draws.choice(('"', ",", "\t", "\n", ":")), draws.choice(_PIECES))
        text = text[:300_000]
    code = draws.choice(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252"))
    made = text.encode(code, "surrogatepass" if code.startswith("utf") else "replace")
    return of_bytes(made, draws) if draws.random() < 0.2 else made


def of_text(data: bytes, draws: Draws) -> bytes:
    """What is typed into a field: pieces of any kind put in, doubled or taken out."""
    text = data.decode()
    for _ in range(draws.choice((1, 1, 2, 4, 8))):
        place = draws.randrange(len(text) + 1)
        kind = draws.randrange(5)
        if kind < 3:
            text = text[:place] + draws.choice(_PIECES) + text[place:]
        elif kind == 3:
            text = text[:place] + text[place + draws.choice((1, 2, 10)) :]
        else:
            text = (text + draws.choice(_PIECES)) * draws.choice((2, 2, 3, 100))
        text = text[:200_000]
    return text.encode("utf-8", "surrogatepass")


MUTATE: dict[str, Callable[[bytes, Draws], bytes]] = {
    "bytes": of_bytes,
    "json": of_json,
    "safetensors": of_safetensors,
    "gguf": of_gguf,
    "lines": of_lines,
    "text": of_text,
}
