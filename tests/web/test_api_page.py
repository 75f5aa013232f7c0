"""The page on which the API can be tried."""

import gzip
import re
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import succeed

from chargecloud.web.api_page import static_files
from chargecloud.web.serving import make_resource
from tests.harness import result_of


def test_all_that_the_page_loads_is_here() -> None:
    """Each file that it names is served, from the platform and from nowhere else."""
    treq: Any = StubTreq(make_resource([], lambda _token: succeed(None)))
    response = result_of(treq.get("http://test/docs"))
    page = result_of(treq.text_content(response))
    assert "script-src 'self'" in response.headers.getRawHeaders("Content-Security-Policy")[0]
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) == 3
    for name in named:
        answer = result_of(treq.get(f"http://test/{name}", headers={"Accept-Encoding": "gzip"}))
        assert answer.code == 200
        assert result_of(treq.content(answer))


def test_what_is_kept_is_the_makers_own() -> None:
    """Whole, and of the version that reads OpenAPI 3.1."""
    files = static_files()
    script = gzip.decompress(files["/docs/swagger-ui-bundle.js"].content).decode()
    assert re.search(r'"5\.\d+\.\d+"', script)
    assert ".swagger-ui" in gzip.decompress(files["/docs/swagger-ui.css"].content).decode()
