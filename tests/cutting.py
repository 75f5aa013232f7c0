"""A way to a database's server on which the connection can be lost at a given word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

#: what servers call their sockets, within their folders
_SOCKETS = {"postgresql": ".s.PGSQL.5432", "mariadb": "socket"}


@define(eq=False)
class Cutting:
    """
    Carries what is said to a server, and what it answers.

    @ivar word: at which the next connection that says it is cut; C{None} for none.
    @ivar before: whether the server has not heard the word then.  Otherwise it has answered
        it, and only the answer is lost.
    @ivar cuts: how often one was cut.
    """

    server: Path
    listening: socket.socket
    word: bytes | None = None
    before: bool = False
    cuts: int = 0
    _open: list[socket.socket] = field(factory=list)

    def cut_at(self, word: bytes, *, before: bool) -> None:
        """Cut the next connection that says so, once."""
        self.word, self.before = word, before

    def serve(self) -> None:
        """Carry until nothing is listened for any more."""
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.server))
                self._open += [client, server]
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def close(self) -> None:
        """Let all connections go."""
        for each in (self.listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        heard = threading.Event()
        threading.Thread(target=self._answer, args=(server, client, heard), daemon=True).start()
        with suppress(OSError):
            while said := client.recv(65_536):
                if self.word is None or self.word not in said:
                    server.sendall(said)
                    continue
                self.word = None
                self.cuts += 1
                if not self.before:
                    heard.set()
                    server.sendall(said)
                    return
                break
        _shut(client, server)

    def _answer(self, server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65_536):
                if lost.is_set():
                    break
                client.sendall(said)
        _shut(client, server)


def _shut(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(kind: str, server: Path, folder: Path) -> Iterator[Cutting]:
    """
    A way to a server.

    @param server: the folder with its socket.
    @param folder: where the way's own is to be, under the same name.
    """
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / _SOCKETS[kind]))
    listening.listen()
    way = Cutting(server / _SOCKETS[kind], listening)
    thread = threading.Thread(target=way.serve, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.close()
        thread.join()
