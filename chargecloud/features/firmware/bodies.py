"""What is asked and answered at C{/firmware}."""

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import DAY
from chargecloud.features.firmware import store
from chargecloud.features.firmware.model import CampaignState, State
from chargecloud.routes import Id


@frozen(kw_only=True)
class NewVendor:
    """Somebody whose signatures are to be believed."""

    name: str = text("what people call them")
    public_key: str = text("Ed25519, 32 bytes in hexadecimal", longest=64)


@frozen(kw_only=True)
class VendorShown:
    """A vendor."""

    id: Id = choice("its id")
    name: str = text("what people call them")
    public_key: str = text("in hexadecimal")


@frozen(kw_only=True)
class NewImage:
    """An image with what its vendor has signed."""

    manifest: str = text("in hexadecimal", longest=256)
    signature: str = text("Ed25519 of the manifest, in hexadecimal", longest=128)
    image: str = text("the bytes, in base64", longest=store.MOST_IMAGE_BYTES * 4 // 3 + 4)


@frozen(kw_only=True)
class ImageShown:
    """An image."""

    number: int = whole("by which chargers ask for it")
    vendor_id: Id = choice("who signed it")
    hardware: str = text("for which it is")
    build: int = whole("which rises with each firmware")
    version: str = text("for people")
    size: int = whole("in bytes")
    created_at: datetime = choice("when it was taken in")


@frozen(kw_only=True)
class NewCampaign:
    """Which chargers are to get an image, and how carefully."""

    name: str = text("what people call it")
    image: int = whole("its number", least=1)
    site_id: Id | None = choice("at this site only", default=None)
    charger_ids: tuple[Id, ...] | None = choice("these chargers only", default=None)
    percent: int = whole("so many of a hundred of them", default=100, least=1, most=100)
    canary: int = whole("so many first, before all others", default=1, most=10_000)
    hold_s: int = whole("seconds to wait after those", default=DAY, most=30 * DAY)
    at_once: int = whole("updates under way at a time", default=20, least=1, most=10_000)
    most_failures: int = whole("it halts when more than these go wrong", default=0, most=10_000)


@frozen(kw_only=True)
class Resumption:
    """How a campaign that was halted goes on."""

    most_failures: int | None = whole(
        "it halts again when more than these have gone wrong, with those that have already; "
        "as before if it is not said",
        default=None,
        most=10_000,
    )


@frozen(kw_only=True)
class NextImage:
    """An image that takes the place of one that turned out bad."""

    image: int = whole("its number; its build must be higher, whatever is in it", least=1)


@frozen(kw_only=True)
class CampaignShown:
    """A campaign."""

    id: Id = choice("its id")
    name: str = text("what people call it")
    image: int = whole("number of its image")
    state: CampaignState = choice("where it is")
    why: str | None = text("it was halted")
    chargers: int = whole("how many it is for")
    by_state: Mapping[str, int] = choice("how many of them are where")
    megabytes_sent: float = choice("over the air so far, with all that is around the bytes")
    megabytes_estimated: float = choice("that it takes if nothing is sent twice")
    created_at: datetime = choice("when it began")


@frozen(kw_only=True)
class UpdateShown:
    """One charger of a campaign."""

    charger_id: Id = choice("which")
    state: State = choice("where it is")
    why: str | None = text("it was refused")
    offset: int = whole("bytes that it has")
    bytes_sent: int = whole("over the air, with all that is around them")
    changed_at: datetime = choice("since when it is there")
