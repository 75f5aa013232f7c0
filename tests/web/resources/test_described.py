"""The OpenAPI document of the whole platform."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from chargecloud.routes import Method
from tests.web.resources.asking import Asking
from tests.world import World


def test_the_platforms_document_is_valid(api: Asking) -> None:
    """What the platform says of itself is OpenAPI 3.1."""
    assert list(OpenAPIV31SpecValidator(api.document).iter_errors()) == []


def test_what_is_kept_is_not_edited(world: World, api: Asking) -> None:
    """It is added to.  What a card, a site and a charger are is no record, and neither are a
    site's rules and a charger's key: they are the only ones that are replaced; and nothing is
    deleted but a key that was lost, and a session.  A split rule has versions, and is ended."""
    replacing = {
        (route.method, route.path)
        for route in world.platform.routes
        if route.method not in (Method.GET, Method.POST)
    }
    assert replacing == {
        (Method.PUT, "/chargers/{charger_id}/keys"),
        (Method.DELETE, "/chargers/{charger_id}/keys"),
        (Method.DELETE, "/sessions"),
        (Method.PATCH, "/cards/{card_id}"),
        (Method.PATCH, "/sites/{site_id}"),
        (Method.PATCH, "/chargers/{charger_id}"),
        (Method.PUT, "/sites/{site_id}/cut-off/{kind}"),
        (Method.PUT, "/split-rules/{rule_id}"),
        (Method.DELETE, "/split-rules/{rule_id}"),
    }
    methods = {method for path in api.document["paths"].values() for method in path}
    assert methods == {"get", "post", "patch", "put", "delete"}
