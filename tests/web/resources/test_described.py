"""The OpenAPI document of the whole platform."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from chargecloud.routes import Method
from tests.web.resources.asking import Asking
from tests.world import World


def test_the_platforms_document_is_valid(api: Asking) -> None:
    """What the platform says of itself is OpenAPI 3.1."""
    assert list(OpenAPIV31SpecValidator(api.document).iter_errors()) == []


def test_nothing_is_patched(world: World, api: Asking) -> None:
    """What is kept is added to and never edited: there is no such method anywhere."""
    methods = {method for path in api.document["paths"].values() for method in path}
    assert methods == {"get", "post"}
    assert {route.method for route in world.platform.routes} == {Method.GET, Method.POST}
