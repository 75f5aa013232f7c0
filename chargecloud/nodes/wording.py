"""What nodes tell each other, as text: commands, answers and refusals."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from cattrs import Converter

from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import Refusal

_COMMANDS: Mapping[str, type] = {each.__name__: each for each in get_args(Command)}
_CONVERTER = Converter()
#: bytes have no form in JSON
_BYTES = "$bytes"

_CONVERTER.register_unstructure_hook(bytes, lambda value: {_BYTES: value.hex()})
_CONVERTER.register_structure_hook(bytes, lambda value, _type: value)


def write(value: Any) -> bytes:
    """Plain values as JSON text; bytes may be among them."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def read(text: bytes) -> Any:
    """
    @raise ValueError: if it is no JSON.
    """
    return json.loads(text, object_hook=_whole)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: bytes(value).hex()}
    raise TypeError(f"{type(value).__name__} cannot be told to another node")


def _whole(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value[_BYTES]) if value.keys() == {_BYTES} else value


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
