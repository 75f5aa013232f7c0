"""HTTP to Alipay: one connection for each question, and no answer that is larger than it may be."""

from typing import Any

from attrs import frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.web.client import Agent

from chargecloud.fetching import TooLarge, body_of
from chargecloud_pay_alipay.gateway import Unanswered

#: the channel's own deadline is 10 s
CONNECT_S = 5.0
_FORM = "application/x-www-form-urlencoded;charset=utf-8"


@frozen
class Fetcher:
    """Fetches URLs by a reactor.

    @ivar most: bytes of an answer.
    """

    reactor: Any
    most: int

    def __call__(self, url: str, form: bytes | None) -> "Deferred[bytes]":
        """
        Get a URL, or post a form to it.

        @return: the body of the answer.
        @raise Unanswered: as a failure, if the answer is no success, or too large.
        """
        return Deferred.fromCoroutine(self._fetch(url, form))

    async def _fetch(self, url: str, form: bytes | None) -> bytes:
        headers: dict[bytes | str, bytes | str] = {}
        if form is not None:
            headers["Content-Type"] = _FORM
        client = HTTPClient(Agent(self.reactor, connectTimeout=CONNECT_S))
        response = await client.request(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers=headers,
            allow_redirects=False,
            unbuffered=True,
            reactor=self.reactor,
        )
        if response.code != 200:
            raise Unanswered(f"status {response.code}")
        try:
            return await body_of(response, self.most)
        except TooLarge as error:
            raise Unanswered(str(error)) from error
