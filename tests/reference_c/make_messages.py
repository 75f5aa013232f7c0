"""Makes C{messages.h} and C{messages.c} of the reference for boards from the tables of
docs/native-protocol.rst: C{python -m tests.reference_c.make_messages}."""

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "native-protocol.rst"
SOURCES = ROOT / "reference" / "c" / "src"

_ROW = re.compile(r"(\d+) +``(\w+)`` +(\S.*?)  +(yes|no)(?:  .*|$)")
_TITLE = re.compile(r"(?:0x([0-9A-F]{2}) )?([A-Z_]+):?")
_NUMBERS = {"u32": "U32", "u63": "U63", "u64": "U64", "flags": "U64", "code": "U64"}


@frozen
class Row:
    """A field, as the document has it."""

    name: str
    kind: str
    required: bool


@frozen
class Table:
    """A message or a record, as the document has it.

    @ivar number: C{None} for one that stands in others or in a frame of its own.
    """

    name: str
    number: int | None
    rows: tuple[Row, ...]


def tables(text: str) -> Iterator[Table]:
    """All tables of fields, in their order; messages without fields too."""
    name, number, rows = "", None, list[Row]()
    is_open = False
    for line in text.splitlines():
        title = _TITLE.fullmatch(line)
        if title is not None:
            if is_open:
                yield Table(name, number, tuple(rows))
            digits, name = title.groups()
            number, rows, is_open = int(digits, 16) if digits else None, [], True
        elif is_open and (row := _ROW.match(line)) and int(row[1]) == len(rows):
            rows.append(Row(row[2], row[3].strip(), row[4] == "yes"))
    if is_open:
        yield Table(name, number, tuple(rows))


def _field(row: Row) -> str:
    """The row as an initialiser of C{cc_field}."""
    kind, most, record, item = _kind(row.kind)
    return f"{{{kind}, {int(row.required)}, {most}, {record}, {item}}}, /* {row.name} */"


def _kind(kind: str) -> tuple[str, int, str, str]:
    words = kind.split()
    match words:
        case [name] if name in _NUMBERS:
            return f"CC_{_NUMBERS[name]}", 0, "NULL", "0"
        case ["flag"]:
            return "CC_UP_TO", 1, "NULL", "0"
        case ["varint", bounds]:
            least, most = bounds.split("..")
            return ("CC_FROM_ONE" if least == "1" else "CC_UP_TO"), int(most), "NULL", "0"
        case ["zigzag"]:
            return "CC_SIGNED", 0, "NULL", "0"
        case ["order"]:
            return "CC_ORDER", 0, "NULL", "0"
        case ["text" | "bytes" | "blob", size]:
            name = {"text": "TEXT", "bytes": "OCTETS", "blob": "BLOB"}[words[0]]
            return f"CC_{name}", int(size), "NULL", "0"
        case ["list", "of", record]:
            return "CC_LIST", 0, f"&cc_{record.lower()}", "0"
        case ["row", "of", "text", size]:
            return "CC_ROW", int(size), "NULL", "CC_TEXT"
        case ["row", "of", "zigzag", "64"]:
            return "CC_ROW", 0, "NULL", "CC_SIGNED_64"
        case ["row", "of", number]:
            return "CC_ROW", 0, "NULL", f"CC_{_NUMBERS[number]}"
        case [record]:
            return "CC_RECORD", 0, f"&cc_{record.lower()}", "0"
        case _:
            raise ValueError(f"no kind: {kind}")


def _records_first(every: list[Table]) -> list[Table]:
    """So that each table stands behind those that it names."""
    return sorted(every, key=lambda table: table.number is not None)


def header(every: list[Table]) -> str:
    """C{messages.h}"""
    lines = [
        "/* Made from docs/native-protocol.rst by tests/reference_c/make_messages.py: all",
        " * messages, and the numbers of their fields. */",
        "#ifndef CC_MESSAGES_H",
        "#define CC_MESSAGES_H",
        "",
        '#include "record.h"',
        "",
        "enum {",
        *(f"    CC_{table.name} = 0x{table.number:02x}," for table in every if table.number),
        "};",
    ]
    for table in every:
        if table.rows:
            names = [f"    CC_{table.name}_{row.name.upper()}," for row in table.rows]
            lines += ["", "enum {", *names, f"    CC_{table.name}_FIELDS,", "};"]
    lines.append("")
    named = [table for table in every if table.number is None]
    lines += [f"extern const cc_table cc_{table.name.lower()};" for table in named]
    lines += [
        "",
        "/* The table of a message; NULL for one that this version does not know. */",
        "const cc_table *cc_message(uint8_t type);",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def source(every: list[Table]) -> str:
    """C{messages.c}"""
    lines = [
        "/* Made from docs/native-protocol.rst by tests/reference_c/make_messages.py. */",
        '#include "messages.h"',
    ]
    for table in _records_first(every):
        if not table.rows:
            continue
        name = table.name.lower()
        rows = [f"    {_field(row)}" for row in table.rows]
        lines += ["", f"static const cc_field {name}_fields[] = {{", *rows, "};"]
        if table.number is None:
            lines.append(f"const cc_table cc_{name} = {{CC_{table.name}_FIELDS, {name}_fields}};")
    lines += [
        "",
        "static const struct {",
        "    uint8_t type;",
        "    cc_table table;",
        "} messages[] = {",
    ]
    for table in every:
        if table.number is not None:
            fields = (
                f"CC_{table.name}_FIELDS, {table.name.lower()}_fields" if table.rows else "0, NULL"
            )
            lines.append(f"    {{CC_{table.name}, {{{fields}}}}},")
    lines += [
        "};",
        "",
        "const cc_table *cc_message(uint8_t type)",
        "{",
        "    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {",
        "        if (messages[i].type == type) {",
        "            return &messages[i].table;",
        "        }",
        "    }",
        "    return NULL;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def made() -> dict[str, str]:
    """Both files, by their names."""
    found = tables(DOCUMENT.read_text(encoding="utf-8"))
    every = [table for table in found if table.rows or table.number is not None]
    return {"messages.h": header(every), "messages.c": source(every)}


if __name__ == "__main__":
    for name, text in made().items():
        (SOURCES / name).write_text(text, encoding="utf-8")
