"""C{/docs}: a page on which the API can be tried.

It is Swagger UI as its makers distribute it (C{LICENSE}, C{NOTICE}), kept compressed and
sent so; docs/adr/0023-api-page.rst says why, and how it is brought up to date.
"""

from collections.abc import Mapping
from importlib.resources import files

from attrs import frozen

#: only from here is anything loaded; Swagger UI sets styles in its elements and has images
#: in its style sheet
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@frozen
class StaticFile:
    """A file that is sent as it is.

    @ivar is_compressed: by gzip.
    """

    media_type: str
    content: bytes
    is_compressed: bool


def static_files() -> Mapping[str, StaticFile]:
    """The files of the page, by their paths."""
    return {
        "/docs": _file("index.html", "text/html; charset=utf-8"),
        "/docs/start.js": _file("start.js", "text/javascript; charset=utf-8"),
        "/docs/swagger-ui.css": _file("swagger-ui.css.gz", "text/css; charset=utf-8"),
        "/docs/swagger-ui-bundle.js": _file(
            "swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"
        ),
    }


def _file(name: str, media_type: str) -> StaticFile:
    content = files(__name__).joinpath(name).read_bytes()
    return StaticFile(media_type, content, name.endswith(".gz"))
