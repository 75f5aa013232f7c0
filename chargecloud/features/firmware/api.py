"""C{/firmware}"""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import Connection

from chargecloud.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import DAY
from chargecloud.features.firmware import store
from chargecloud.features.firmware.desk import BLOCK_OVERHEAD, FirmwareDesk
from chargecloud.features.firmware.model import CampaignState, Pace, State
from chargecloud.features.firmware.store import Campaign, Cohort, Image
from chargecloud.interfaces import Platform
from chargecloud.routes import Call, Id, Method, Page, Route

#: a board asks for blocks of about this size, where frames have 256 bytes
USUAL_BLOCK = 192


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


def _hex(value: str, size: int | None, field: str) -> bytes:
    try:
        read = bytes.fromhex(value)
    except ValueError:
        read = b""
    if not read or (size is not None and len(read) != size):
        what = "must be hexadecimal" if size is None else f"must be {size} bytes in hexadecimal"
        raise Invalid(f"the {field} {what}", errors=[{"pointer": f"/{field}", "detail": what}])
    return read


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        what = "must be base64"
        raise Invalid(f"the image {what}", errors=[{"pointer": "/image", "detail": what}]) from None


def _check_platform(call: Call) -> None:
    """What is believed and taken in is for all tenants, and none of theirs to say."""
    if call.caller.tenant_id is not None:
        raise NotFound("vendors and images are the platform's, and not a tenant's")


def _shown(image: Image) -> ImageShown:
    return ImageShown(
        number=image.number,
        vendor_id=image.vendor_id,
        hardware=image.hardware,
        build=image.build,
        version=image.version,
        size=image.size,
        created_at=image.created_at,
    )


def routes(platform: Platform, desk: FirmwareDesk) -> Sequence[Route]:
    """The routes of firmware."""

    async def add_vendor(call: Call) -> VendorShown:
        _check_platform(call)
        body: NewVendor = call.body
        key = _hex(body.public_key, 32, "public_key")
        vendor_id, now = platform.new_id(), platform.calendar.now()
        await platform.transact(
            lambda connection: store.add_vendor(connection, vendor_id, body.name, key, now)
        )
        return VendorShown(id=vendor_id, name=body.name, public_key=key.hex())

    async def vendors(_call: Call) -> Page[VendorShown]:
        found = await platform.read(store.all_vendors)
        return Page(
            tuple(
                VendorShown(id=each.id, name=each.name, public_key=each.public_key.hex())
                for each in found
            )
        )

    async def add_image(call: Call) -> ImageShown:
        _check_platform(call)
        body: NewImage = call.body
        manifest = _hex(body.manifest, None, "manifest")
        signature, data = _hex(body.signature, 64, "signature"), _base64(body.image)
        now = platform.calendar.now()
        image: Image = await platform.transact(
            lambda connection: store.add_image(connection, manifest, signature, data, now)
        )
        return _shown(image)

    async def images(_call: Call) -> Page[ImageShown]:
        found = await platform.read(store.all_images)
        return Page(tuple(_shown(each) for each in found))

    async def remove_image(call: Call) -> None:
        _check_platform(call)
        number = call.id("number")
        await platform.transact(lambda connection: store.remove_image(connection, number))

    def show(connection: Connection, campaign: Campaign) -> CampaignShown:
        image = store.find_image(connection, campaign.image)
        rows = store.update_rows(connection, campaign.id)
        sent = sum(row.bytes_sent + desk.sent_bytes(row.charger_id) for row in rows)
        blocks = -(-image.size // USUAL_BLOCK)
        estimated = len(rows) * (image.size + blocks * BLOCK_OVERHEAD)
        return CampaignShown(
            id=campaign.id,
            name=campaign.name,
            image=campaign.image,
            state=campaign.state,
            why=campaign.why,
            chargers=len(rows),
            by_state=dict(Counter(row.state for row in rows)),
            megabytes_sent=round(sent / 1e6, 3),
            megabytes_estimated=round(estimated / 1e6, 3),
            created_at=campaign.created_at,
        )

    async def shown(campaign: Campaign) -> CampaignShown:
        def read(connection: Connection) -> CampaignShown:
            return show(connection, store.find_campaign(connection, None, campaign.id))

        found: CampaignShown = await platform.read(read)
        return found

    async def begin(call: Call) -> CampaignShown:
        body: NewCampaign = call.body
        cohort = Cohort(
            body.site_id,
            body.percent,
            None if body.charger_ids is None else frozenset(body.charger_ids),
        )
        pace = Pace(body.canary, timedelta(seconds=body.hold_s), body.at_once, body.most_failures)
        return await make(call, body.name, body.image, cohort, pace)

    async def make(call: Call, name: str, number: int, cohort: Cohort, pace: Pace) -> CampaignShown:
        campaign_id, now = platform.new_id(), platform.calendar.now()
        tenant_id = call.caller.tenant_id

        def write(connection: Connection) -> Campaign:
            image = store.find_image(connection, number)
            return store.add_campaign(
                connection, campaign_id, tenant_id, name, image, cohort, pace, now
            )

        return await shown(await platform.transact(write))

    async def campaign_of(call: Call) -> Campaign:
        campaign_id, tenant_id = call.id("campaign_id"), call.caller.tenant_id
        found: Campaign = await platform.read(
            lambda connection: store.find_campaign(connection, tenant_id, campaign_id)
        )
        return found

    async def campaigns(call: Call) -> Page[CampaignShown]:
        tenant_id = call.caller.tenant_id

        def read(connection: Connection) -> tuple[CampaignShown, ...]:
            return tuple(
                show(connection, each) for each in store.find_campaigns(connection, tenant_id)
            )

        return Page(await platform.read(read))

    async def get(call: Call) -> CampaignShown:
        return await shown(await campaign_of(call))

    async def members(call: Call) -> Page[UpdateShown]:
        campaign = await campaign_of(call)
        rows = await platform.read(lambda found: store.update_rows(found, campaign.id))
        return Page(
            tuple(
                UpdateShown(
                    charger_id=row.charger_id,
                    state=State(row.state),
                    why=row.why,
                    offset=row.offset,
                    bytes_sent=row.bytes_sent + desk.sent_bytes(row.charger_id),
                    changed_at=row.changed_at,
                )
                for row in rows
            )
        )

    async def halt(call: Call) -> CampaignShown:
        campaign = await campaign_of(call)
        if campaign.state is not CampaignState.RUNNING:
            raise Conflict(f"the campaign is {campaign.state.value}")
        await desk.halt(campaign, "by hand")
        return await shown(campaign)

    async def resume(call: Call) -> CampaignShown:
        campaign = await campaign_of(call)
        if campaign.state is not CampaignState.HALTED:
            raise Conflict(f"the campaign is {campaign.state.value}")
        more: int | None = call.body.most_failures
        await desk.resume(campaign, campaign.pace.most_failures if more is None else more)
        return await shown(campaign)

    async def roll_back(call: Call) -> CampaignShown:
        campaign, number = await campaign_of(call), call.body.image

        def read(connection: Connection) -> tuple[Image, Image, frozenset[int]]:
            updated = {State.DONE.value, State.READY.value, State.LOST.value}
            rows = store.update_rows(connection, campaign.id)
            members = frozenset(row.charger_id for row in rows if row.state in updated)
            bad, good = (store.find_image(connection, each) for each in (campaign.image, number))
            return bad, good, members

        bad, good, members_ = await platform.read(read)
        if good.hardware != bad.hardware or good.build <= bad.build:
            raise Conflict(
                "chargers take no older build: have the vendor sign it with a higher one"
            )
        if campaign.state is CampaignState.RUNNING:
            await desk.halt(campaign, "rolled back")
        pace = Pace(0, timedelta(0), campaign.pace.at_once, campaign.pace.most_failures)
        name = f"back from {campaign.name}"[:200]
        return await make(call, name, number, Cohort(charger_ids=members_), pace)

    base, tag = "/firmware", "firmware"
    one = f"{base}/campaigns/{{campaign_id}}"

    def route(
        method: Method, path: str, summary: str, permission: str, run: Any, answer: Any, **more: Any
    ) -> Route:
        return Route(
            method=method,
            path=path,
            summary=summary,
            permission=f"firmware:{permission}",
            run=run,
            answer=answer,
            tag=tag,
            **more,
        )

    made: dict[str, Any] = {"status": 201}
    acted: dict[str, Any] = {"refusals": (NotFound, Conflict)}
    return [
        route(
            Method.POST,
            f"{base}/vendors",
            "Believe a vendor's signatures",
            "trust",
            add_vendor,
            VendorShown,
            body=NewVendor,
            refusals=(NotFound, AlreadyExists),
            **made,
        ),
        route(
            Method.GET, f"{base}/vendors", "List the vendors", "read", vendors, Page[VendorShown]
        ),
        route(
            Method.POST,
            f"{base}/images",
            "Take an image in, if a vendor has signed it",
            "upload",
            add_image,
            ImageShown,
            body=NewImage,
            refusals=(NotFound, AlreadyExists),
            **made,
        ),
        route(Method.GET, f"{base}/images", "List the images", "read", images, Page[ImageShown]),
        route(
            Method.DELETE,
            f"{base}/images/{{number}}",
            "Remove an image that no campaign has",
            "upload",
            remove_image,
            None,
            **acted,
        ),
        route(
            Method.POST,
            f"{base}/campaigns",
            "Bring an image to chargers, a few at a time",
            "write",
            begin,
            CampaignShown,
            body=NewCampaign,
            **made,
            **acted,
        ),
        route(
            Method.GET,
            f"{base}/campaigns",
            "List the campaigns",
            "read",
            campaigns,
            Page[CampaignShown],
        ),
        route(Method.GET, one, "Show a campaign", "read", get, CampaignShown, refusals=(NotFound,)),
        route(
            Method.GET,
            f"{one}/chargers",
            "Show how each charger of a campaign is doing",
            "read",
            members,
            Page[UpdateShown],
            refusals=(NotFound,),
        ),
        route(
            Method.POST,
            f"{one}/halt",
            "Halt a campaign: who has begun is to forget it",
            "write",
            halt,
            CampaignShown,
            **acted,
        ),
        route(
            Method.POST,
            f"{one}/resume",
            "Go on with a campaign that was halted",
            "write",
            resume,
            CampaignShown,
            body=Resumption,
            **acted,
        ),
        route(
            Method.POST,
            f"{one}/rollback",
            "Bring another image to those who have this campaign's",
            "write",
            roll_back,
            CampaignShown,
            body=NextImage,
            **made,
            **acted,
        ),
    ]
