"""What the headers of a request are taken to say."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.web import headers
from chargecloud.web.problems import BadRequest, Language, NotAuthenticated

raw_values = st.lists(st.binary(max_size=300), max_size=3)


@pytest.mark.parametrize(
    "value", [b"Bearer abc.DEF-1_2~+/==", b"bearer abc.DEF-1_2~+/==", b"BEARER   abc.DEF-1_2~+/== "]
)
def test_scheme_in_any_case(value: bytes) -> None:
    """RFC 6750 through RFC 9110: the scheme's case does not matter, the token's does."""
    assert headers.bearer_token([value]) == "abc.DEF-1_2~+/=="


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b""],
        [b"Bearer"],
        [b"Bearer "],
        [b"Bearer a b"],
        [b"Bearer \xc3\xa9"],
        [b"Bearerabc"],
        [b"Basic YTpi"],
        [b"Bearer a", b"Bearer b"],
    ],
)
def test_no_token(values: list[bytes]) -> None:
    """Any other form of the header is no authentication."""
    with pytest.raises(NotAuthenticated):
        headers.bearer_token(values)


@given(raw_values)
def test_any_authorization(values: list[bytes]) -> None:
    """Whatever bytes come, there is a token or a refusal."""
    with suppress(NotAuthenticated):
        assert headers.bearer_token(values).isascii()


def test_request_id_of_the_client() -> None:
    """An id that is fit for a log is taken over."""
    assert headers.request_id([b"7f3a-01.b_c"]) == "7f3a-01.b_c"


@pytest.mark.parametrize("values", [[], [b""], [b"a b"], [b"a\x1b[2J"], [b"x" * 65], [b"a", b"b"]])
def test_request_id_of_ours(values: list[bytes]) -> None:
    """Without a fit one, each request has a new one."""
    first, second = headers.request_id(values), headers.request_id(values)
    assert first != second
    assert first.encode() not in values


@pytest.mark.parametrize("key", [b"k", b'"8e03978e-40d5-43dd-bc93-6894a57f9324"', b"~" * 255])
def test_request_key(key: bytes) -> None:
    """1 to 255 visible ASCII characters are a key as they are."""
    assert headers.request_key([key]) == key.decode()


def test_no_request_key() -> None:
    """No header, no key."""
    assert headers.request_key([]) is None


@pytest.mark.parametrize("values", [[b""], [b"a b"], [b"\xc3\xa9"], [b"x" * 256], [b"a", b"a"]])
def test_bad_request_key(values: list[bytes]) -> None:
    """A key that could not be kept is refused, never cut."""
    with pytest.raises(BadRequest):
        headers.request_key(values)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([], False),
        ([b"respond-async"], True),
        ([b"return=minimal, Respond-Async ; x=1"], True),
        ([b"wait=5", b"respond-async"], True),
        ([b"respond-asynchronously"], False),
        ([b'x="respond-async"'], False),
    ],
)
def test_prefer(values: list[bytes], wanted: bool) -> None:
    """respond-async is found among other preferences, and nothing else is taken for it."""
    assert headers.prefers_async(values) is wanted


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([b"application/json"], True),
        ([b"Application/JSON ; charset=utf-8"], True),
        ([], False),
        ([b"text/json"], False),
        ([b"application/json-patch+json"], False),
        ([b"application/json", b"text/plain"], False),
    ],
)
def test_content_type(values: list[bytes], wanted: bool) -> None:
    """Only application/json is JSON to us."""
    assert headers.is_of("application/json", values) is wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"", Language.EN),
        (b"zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        (b"en-GB,zh;q=0.5", Language.EN),
        (b"fr, zh;q=0.2", Language.ZH),
        (b"zh;q=0", Language.EN),
        (b"zh;q=nonsense", Language.EN),
        (b"zh;q=nan, en;q=0.1", Language.EN),
        (b"\xff\xfe", Language.EN),
    ],
)
def test_language(value: bytes, wanted: Language) -> None:
    """The heaviest of our languages; English where none is named."""
    assert headers.language([value]) is wanted
