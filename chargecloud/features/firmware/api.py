"""C{/firmware}"""

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from chargecloud.domain.decision import LogEntry
from chargecloud.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from chargecloud.features.firmware import store
from chargecloud.features.firmware.bodies import (
    CampaignShown,
    ImageShown,
    NewCampaign,
    NewImage,
    NewVendor,
    NextImage,
    Resumption,
    UpdateShown,
    VendorShown,
)
from chargecloud.features.firmware.desk import BLOCK_OVERHEAD, FirmwareDesk
from chargecloud.features.firmware.model import CampaignState, Pace, State
from chargecloud.features.firmware.store import Campaign, Cohort, Image, Progress
from chargecloud.interfaces import Platform
from chargecloud.registry.tokens import PLATFORM
from chargecloud.routes import Call, Method, Page, Paging, Route

#: a board asks for blocks of about this size, where frames have 256 bytes
USUAL_BLOCK = 192


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

    async def note(call: Call, what: str, tenant_id: int = PLATFORM, **about: object) -> None:
        """Write down who did what."""
        by = {"by": str(call.caller.token_id)}
        await platform.log(LogEntry(f"firmware.{what}", tenant_id, {**about, **by}))

    async def add_vendor(call: Call) -> VendorShown:
        _check_platform(call)
        body: NewVendor = call.body
        key = _hex(body.public_key, 32, "public_key")
        vendor_id, now = platform.new_id(), platform.calendar.now()
        await platform.transact(
            lambda connection: store.add_vendor(connection, vendor_id, body.name, key, now)
        )
        await note(call, "vendor_trusted", vendor_id=str(vendor_id), name=body.name)
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
        await note(call, "image_added", image=image.number, build=image.build)
        return _shown(image)

    async def images(_call: Call) -> Page[ImageShown]:
        found = await platform.read(store.all_images)
        return Page(tuple(_shown(each) for each in found))

    async def remove_image(call: Call) -> None:
        _check_platform(call)
        number = call.id("number")
        await platform.transact(lambda connection: store.remove_image(connection, number))
        await note(call, "image_removed", image=number)

    def show(connection: Connection, found: Sequence[Campaign]) -> tuple[CampaignShown, ...]:
        progress = store.progress(connection, [each.id for each in found])
        sizes = store.image_sizes(connection, {each.image for each in found})
        return tuple(show_one(each, progress[each.id], sizes[each.image]) for each in found)

    def show_one(campaign: Campaign, come: Progress, size: int) -> CampaignShown:
        sent = come.bytes_sent + desk.unwritten_bytes(campaign.id).total()
        blocks = -(-size // USUAL_BLOCK)
        count = sum(come.by_state.values())
        return CampaignShown(
            id=campaign.id,
            name=campaign.name,
            image=campaign.image,
            state=campaign.state,
            why=campaign.why,
            chargers=count,
            by_state=come.by_state,
            megabytes_sent=round(sent / 1e6, 3),
            megabytes_estimated=round(count * (size + blocks * BLOCK_OVERHEAD) / 1e6, 3),
            created_at=campaign.created_at,
        )

    async def shown(campaign: Campaign) -> CampaignShown:
        def read(connection: Connection) -> CampaignShown:
            (one,) = show(connection, [store.find_campaign(connection, None, campaign.id)])
            return one

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

        campaign: Campaign = await platform.transact(write)
        about = {"campaign_id": str(campaign.id), "image": number}
        await note(call, "campaign_begun", campaign.tenant_id, **about)
        return await shown(campaign)

    async def campaign_of(call: Call) -> Campaign:
        campaign_id, tenant_id = call.id("campaign_id"), call.caller.tenant_id
        found: Campaign = await platform.read(
            lambda connection: store.find_campaign(connection, tenant_id, campaign_id)
        )
        return found

    async def campaigns(call: Call) -> Page[CampaignShown]:
        tenant_id = call.caller.tenant_id

        def read(connection: Connection) -> Page[CampaignShown]:
            items, cursor = store.page_of_campaigns(
                connection, tenant_id, limit=call.query.limit, cursor=call.query.cursor
            )
            return Page(show(connection, items), cursor)

        found: Page[CampaignShown] = await platform.read(read)
        return found

    async def get(call: Call) -> CampaignShown:
        return await shown(await campaign_of(call))

    async def members(call: Call) -> Page[UpdateShown]:
        campaign = await campaign_of(call)
        rows = await platform.read(lambda found: store.update_rows(found, campaign.id))
        unwritten = desk.unwritten_bytes(campaign.id)
        return Page(
            tuple(
                UpdateShown(
                    charger_id=row.charger_id,
                    state=State(row.state),
                    why=row.why,
                    offset=row.offset,
                    bytes_sent=row.bytes_sent + unwritten[row.charger_id],
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
        await note(call, "campaign_halted", campaign.tenant_id, campaign_id=str(campaign.id))
        return await shown(campaign)

    async def resume(call: Call) -> CampaignShown:
        campaign = await campaign_of(call)
        if campaign.state is not CampaignState.HALTED:
            raise Conflict(f"the campaign is {campaign.state.value}")
        more: int | None = call.body.most_failures
        await desk.resume(campaign, campaign.pace.most_failures if more is None else more)
        await note(call, "campaign_resumed", campaign.tenant_id, campaign_id=str(campaign.id))
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
            query=Paging,
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
