"""Asks the HTTP API of a whole platform as its clients do.

Every answer is held against the platform's own OpenAPI document: its status must be
described there, and its content must fit the schema.
"""

import json
import re
from collections.abc import Iterator
from functools import cache, reduce
from operator import getitem
from typing import Any

from attrs import define, frozen
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from treq.testing import StubTreq
from twisted.internet.defer import Deferred

from chargecloud.registry.tenants import create_tenant
from chargecloud.registry.tokens import ROLES, Tokens, create_token
from chargecloud.web.serving import make_resource
from tests.harness import result_of
from tests.world import World

#: the platform administrator's token
ROOT = "root-token"


@frozen
class Answer:
    """What came back.

    @ivar json: C{None} if there was no content.
    @ivar tag: its entity-tag.
    """

    status: int
    json: Any
    tag: str | None = None

    @property
    def kind(self) -> str:
        """The last part of a problem's type."""
        return str(self.json["type"]).removeprefix("/problems/")

    @property
    def places(self) -> list[str]:
        """Where a problem says that the faults are, as pointers or names of parameters."""
        return [each.get("pointer", each.get("parameter")) for each in self.json["errors"]]


@define
class Asked:
    """A request that may still wait for its answer."""

    asking: "Asking"
    method: str
    path: str
    response: "Deferred[Any]"

    def answer(self) -> Answer:
        """The answer, which must have come by now."""
        self.asking.treq.flush()
        response = result_of(self.response)
        self.asking.treq.flush()
        content = result_of(self.asking.treq.content(response))
        tag = response.headers.getRawHeaders("ETag", [None])[0]
        if self.path == "/openapi.json":
            return Answer(response.code, _described(content), tag)
        answer = Answer(response.code, json.loads(content) if content else None, tag)
        self.asking.check(self.method, self.path, answer)
        return answer


class _Described:
    """A platform's OpenAPI document, and what was found in it."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._validators: dict[tuple[str, ...], Any] = {}
        # a path that is spelt out goes before one with a variable in its place
        self._patterns: dict[str, re.Pattern[str]] = {
            each: re.compile(re.sub(r"{\w+}", "[^/]+", each))
            for each in sorted(document["paths"], key=lambda each: each.count("{"))
        }

    def template(self, path: str) -> str:
        """The path of the document that a path is one of."""
        found = (each for each, pattern in self._patterns.items() if pattern.fullmatch(path))
        template: str | None = next(found, None)
        assert template is not None, f"{path} is not in the document"
        return template

    def validator(self, where: tuple[str, ...]) -> Any:
        """What holds content against the schema at a place of the document; to make one takes
        longer than to answer."""
        if where not in self._validators:
            schema = reduce(getitem, where, self.document)
            self._validators[where] = Draft202012Validator(
                schema | {"components": self.document["components"]},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
        return self._validators[where]


@cache
def _described(content: bytes) -> _Described:
    """Most tests are told the same, which nobody changes."""
    return _Described(json.loads(content))


class Asking:
    """The clients of a platform, each with a real token."""

    def __init__(self, world: World) -> None:
        self.world = world
        tokens = Tokens(world.store, ROOT, world.clock.seconds)
        self.treq: Any = StubTreq(
            make_resource(
                world.platform.routes,
                lambda token: Deferred.fromCoroutine(tokens.authenticate(token)),
            )
        )
        self._described: _Described = self.ask("GET", "/openapi.json").json
        self.document: Any = self._described.document

    def begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = ROOT,
        key: str | None = None,
        prefer: str | None = None,
        seen: str | None = None,
    ) -> Asked:
        """
        Send a request, and wait for nothing.

        @param path: below the base, unless it is one of the few outside.
        @param body: text goes as a table, anything else as JSON.
        @param key: the Idempotency-Key.
        @param seen: the entity-tag of If-Match.
        """
        headers = {"Authorization": [f"Bearer {token}"]}
        if key is not None:
            headers["Idempotency-Key"] = [key]
        if prefer is not None:
            headers["Prefer"] = [prefer]
        if seen is not None:
            headers["If-Match"] = [seen]
        is_table = isinstance(body, str)
        if body is not None:
            headers["Content-Type"] = ["text/csv" if is_table else "application/json"]
        whole_path = path if path in ("/openapi.json", "/healthz", "/readyz") else f"/api/v1{path}"
        asked = self.treq.request(
            method,
            f"http://test{whole_path}",
            headers=headers,
            data=None if body is None else (body if is_table else json.dumps(body)).encode(),
        )
        self.treq.flush()
        return Asked(self, method, whole_path.partition("?")[0], asked)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """Send a request that is answered at once."""
        return self.begin(method, path, body, **more).answer()

    def made(self, path: str, body: Any, **more: Any) -> Any:
        """Make something, and see that it was made."""
        answer = self.ask("POST", path, body, **more)
        assert answer.status == 201, answer
        return answer.json

    def found(self, path: str, **more: Any) -> Any:
        """Look at something, and see that it is there."""
        answer = self.ask("GET", path, **more)
        assert answer.status == 200, answer
        return answer.json

    def walk(self, path: str, **more: Any) -> Iterator[list[Any]]:
        """The pages of a list, up to its end."""
        cursor = ""
        while True:
            page = self.found(path + cursor, **more)
            yield page["items"]
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"

    def tenant(self, name: str, role: str = "operator") -> tuple[str, str]:
        """A new tenant; its id, and a token of it."""
        ids, now = self.world.store.ids, self.world.calendar.now()

        def make(connection: Any) -> tuple[str, str]:
            tenant = create_tenant(connection, ids.next(), name, now)
            token = create_token(connection, ids.next(), tenant.id, "test", ROLES[role], now)
            return str(tenant.id), token

        made: tuple[str, str] = result_of(self.world.store.writer.transact(make))
        return made

    def token(self, tenant_id: str, role: str) -> str:
        """Another token of a tenant."""
        ids, now = self.world.store.ids, self.world.calendar.now()
        made: str = result_of(
            self.world.store.writer.transact(
                lambda connection: create_token(
                    connection, ids.next(), int(tenant_id), "test", ROLES[role], now
                )
            )
        )
        return made

    def check(self, method: str, path: str, answer: Answer) -> None:
        """See that an answer is one of those that the document describes."""
        template = self._described.template(path)
        responses = self.document["paths"][template][method.lower()]["responses"]
        assert str(answer.status) in responses, f"{method} {path} gave an undescribed {answer}"
        described = responses[str(answer.status)].get("content", {})
        for kind in described:
            where = ("paths", template, method.lower(), "responses", str(answer.status))
            validator = self._described.validator((*where, "content", kind, "schema"))
            assert [fault.message for fault in validator.iter_errors(answer.json)] == []
