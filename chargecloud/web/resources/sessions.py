"""C{/sessions}: signing in and out"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from attrs import frozen

from chargecloud.domain.errors import NotFound, Overloaded
from chargecloud.domain.fields import choice, text
from chargecloud.registry.users import MOST_PASSWORD, TooManyTries, Users, WrongPassword
from chargecloud.routes import Call, Method, Route


@frozen(kw_only=True)
class NewSession:
    """Who signs in."""

    name: str = text("of the user", example="operator")
    password: str = text("of the user", longest=MOST_PASSWORD)

    def __repr__(self) -> str:
        """Without the password."""
        return f"NewSession(name={self.name!r})"


@frozen(kw_only=True)
class SessionShown:
    """What it gives."""

    token: str = text("for the Authorization header: shown here and not again")
    expires_at: datetime = choice("when it is worth nothing any more")
    permissions: tuple[str, ...] = choice("what it allows")


def routes(users: Users, revoke: Callable[[int], Awaitable[None]]) -> list[Route]:
    """
    The routes of sessions.

    @param revoke: makes a token worthless, by its id.
    """

    async def sign_in(call: Call) -> SessionShown:
        made = await users.sign_in(call.body.name, call.body.password)
        return SessionShown(
            token=made.token, expires_at=made.expires_at, permissions=tuple(made.permissions)
        )

    async def sign_out(call: Call) -> None:
        await revoke(call.caller.token_id)

    return [
        Route(
            method=Method.POST,
            path="/sessions",
            summary="Sign in: a token for twelve hours",
            permission=None,
            body=NewSession,
            answer=SessionShown,
            tag="sessions",
            refusals=(WrongPassword, TooManyTries, Overloaded),
            run=sign_in,
        ),
        Route(
            method=Method.DELETE,
            path="/sessions",
            summary="Sign out: the token that is shown is worth nothing any more",
            permission="sessions:end",
            answer=None,
            refusals=(NotFound,),
            tag="sessions",
            run=sign_out,
        ),
    ]
