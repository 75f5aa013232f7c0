"""Files as answers: sent as fast as the client takes them, and never all in memory."""

from os import SEEK_END
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.protocols.basic import FileSender

from chargecloud.routes import Download


async def send(download: Download, media_type: str, request: Any) -> None:
    """
    Answer a request of twisted.web with a file.

    A client that goes before the end has what it has.
    """
    with download.file as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        request.setHeader("Content-Type", media_type)
        request.setHeader("Content-Length", str(size))
        request.setHeader("Content-Disposition", f'attachment; filename="{download.name}"')
        sending = FileSender().beginFileTransfer(file, request)
        request.notifyFinish().addErrback(lambda _failure: None)
        try:
            await sending
        except (ConnectionDone, ConnectionLost):
            return
        except Exception as error:
            if str(error) != "Consumer asked us to stop producing":
                raise
