"""What nodes tell each other, as text: commands, answers and refusals."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from cattrs import Converter

from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import Refusal

_COMMANDS: Mapping[str, type] = {each.__name__: each for each in get_args(Command)}
_CONVERTER = Converter()
#: bytes have no form in JSON; names of our own begin with what others' have once more
_MARK = "$"
_BYTES = "$bytes"

_CONVERTER.register_unstructure_hook(bytes, lambda value: value)
_CONVERTER.register_structure_hook(bytes, lambda value, _type: value)


def write(value: Any) -> bytes:
    """
    Plain values as JSON text; bytes may be among them.

    @raise TypeError: if there is anything else.
    """
    return json.dumps(_plain(value), separators=(",", ":")).encode()


def read(text: bytes) -> Any:
    """
    @raise ValueError: if it is no JSON.
    """
    return json.loads(text, object_hook=_whole)


def _plain(value: Any) -> Any:
    match value:
        case bytes() | bytearray() | memoryview():
            return {_BYTES: bytes(value).hex()}
        case Mapping():
            return {_MARK + k if k.startswith(_MARK) else k: _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"{type(value).__name__} cannot be told to another node")


def _whole(value: dict[str, Any]) -> Any:
    if value.keys() == {_BYTES}:
        return bytes.fromhex(value[_BYTES])
    return {name.removeprefix(_MARK): each for name, each in value.items()}


def plain_command(command: Command) -> dict[str, Any]:
    """A command as plain values."""
    return {"is": type(command).__name__, "with": _CONVERTER.unstructure(command)}


def read_command(told: Any) -> Command:
    """
    @raise ValueError: if this version knows no such command.
    """
    try:
        command: Command = _CONVERTER.structure(told["with"], _COMMANDS[told["is"]])
    except Exception as error:
        raise ValueError(f"no command of ours: {error!r}") from error
    return command


def plain_answer(answer: Answer) -> dict[str, Any]:
    """An answer as plain values."""
    return {"accepted": answer.accepted, "code": answer.code, "fields": dict(answer.fields)}


def read_answer(told: Any) -> Answer:
    """An answer of its plain values."""
    return Answer(told["accepted"], told["code"], told["fields"])


def plain_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal as plain values."""
    return {"code": refusal.code, "detail": refusal.detail, "facts": refusal.facts}


def read_refusal(told: Any) -> Refusal:
    """The same refusal; a newer node's is at least one."""
    kinds = {kind.code: kind for kind in _kinds(Refusal)}
    kind = kinds.get(told["code"], Refusal)
    return kind(told["detail"], **told["facts"])


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
