"""Vendors, images and campaigns in the database, as functions of a connection."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta
from hashlib import sha512
from typing import Any

from attrs import frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, func, insert, select, update

from chargecloud.dialects.native.manifest import MANIFEST, SIGNED_LABEL
from chargecloud.domain.errors import AlreadyExists, Conflict, Invalid, NotFound, RemoteError
from chargecloud.features.firmware.model import GIVEN_UP, CampaignState, Pace, State, Update, picked
from chargecloud.features.firmware.tables import campaigns, images, updates, vendors
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import chargers

#: of an image; it comes as text in a body of a MiB
MOST_IMAGE_BYTES = 700_000


@frozen
class Image:
    """An image, without its bytes."""

    number: int
    vendor_id: int
    hardware: str
    build: int
    version: str
    size: int
    manifest: bytes
    signature: bytes
    created_at: datetime


@frozen
class Campaign:
    """
    A campaign.

    @ivar why: it was halted.
    """

    id: int
    tenant_id: int
    image: int
    name: str
    state: CampaignState
    why: str | None
    pace: Pace
    created_at: datetime


_IMAGE = [images.c[name] for name in Image.__annotations__]


def add_vendor(
    connection: Connection, vendor_id: int, name: str, public_key: bytes, now: datetime
) -> int:
    """
    Believe a vendor's signatures.

    @raise AlreadyExists: if that key is known.
    """
    known = select(vendors.c.id).where(vendors.c.public_key == public_key)
    if connection.execute(known).first() is not None:
        raise AlreadyExists("this key is known already")
    row = {"id": vendor_id, "name": name, "public_key": public_key, "created_at": now}
    connection.execute(insert(vendors).values(row))
    return vendor_id


def all_vendors(connection: Connection) -> Sequence[Any]:
    """Whose signatures are believed."""
    return connection.execute(select(vendors).order_by(vendors.c.id)).all()


def add_image(
    connection: Connection, manifest: bytes, signature: bytes, data: bytes, now: datetime
) -> Image:
    """
    Take an image in, if a vendor has signed it and it is what was signed.

    @raise Invalid: if not.
    @raise AlreadyExists: if there is one of that build for that hardware.
    """
    vendor_id = _signer(connection, manifest, signature)
    try:
        told = MANIFEST.read(manifest)
    except RemoteError as error:
        raise _invalid("manifest", f"is none: {error}") from error
    if told["size"] != len(data) or told["digest"] != sha512(data).digest()[:32]:
        raise _invalid("image", "is not the one that was signed")
    known = select(images.c.number).where(
        images.c.hardware == told["hardware"], images.c.build == told["build"]
    )
    if connection.execute(known).first() is not None:
        raise AlreadyExists(f"there is a build {told['build']} for {told['hardware']} already")
    newest = connection.execute(select(func.max(images.c.number))).scalar() or 0
    row = {
        "number": newest + 1,
        "vendor_id": vendor_id,
        "hardware": told["hardware"],
        "build": told["build"],
        "version": told["version"],
        "size": told["size"],
        "manifest": manifest,
        "signature": signature,
        "created_at": now,
    }
    connection.execute(insert(images).values(**row, data=data))
    return Image(**row)


def _signer(connection: Connection, manifest: bytes, signature: bytes) -> int:
    for vendor in all_vendors(connection):
        key = Ed25519PublicKey.from_public_bytes(vendor.public_key)
        try:
            key.verify(signature, SIGNED_LABEL + manifest)
        except InvalidSignature:
            continue
        vendor_id: int = vendor.id
        return vendor_id
    raise _invalid("signature", "is of no vendor that is known")


def _invalid(field: str, what: str) -> Invalid:
    return Invalid(f"the {field} {what}", errors=[{"pointer": f"/{field}", "detail": what}])


def find_image(connection: Connection, number: int) -> Image:
    """
    @raise NotFound: if there is none.
    """
    row = connection.execute(select(*_IMAGE).where(images.c.number == number)).first()
    if row is None:
        raise NotFound(f"there is no image {number}")
    return Image(**row._mapping)


def image_sizes(connection: Connection, numbers: Collection[int]) -> Mapping[int, int]:
    """How many bytes each of some images has."""
    found = select(images.c.number, images.c.size).where(images.c.number.in_(numbers))
    return {row.number: row.size for row in connection.execute(found)}


def find_firmware(connection: Connection, charger_id: int) -> str | None:
    """The version that a charger has told at its login."""
    found = select(chargers.c.firmware).where(chargers.c.id == charger_id)
    firmware: str | None = connection.execute(found).scalar()
    return firmware


def all_images(connection: Connection) -> Sequence[Image]:
    """The newest first."""
    found = select(*_IMAGE).order_by(images.c.number.desc())
    return [Image(**row._mapping) for row in connection.execute(found)]


def image_bytes(connection: Connection, number: int) -> bytes:
    """The bytes of an image that is there."""
    found = select(images.c.data).where(images.c.number == number)
    data: bytes = connection.execute(found).scalar_one()
    return data


def remove_image(connection: Connection, number: int) -> None:
    """
    @raise Conflict: if a campaign has it.
    @raise NotFound: if there is none.
    """
    find_image(connection, number)
    used = select(campaigns.c.id).where(campaigns.c.image == number)
    if connection.execute(used).first() is not None:
        raise Conflict("a campaign has this image")
    connection.execute(images.delete().where(images.c.number == number))


@frozen
class Cohort:
    """
    Which chargers a campaign is for, of those whose hardware is the image's.

    @ivar percent: of them, always the same ones.
    @ivar charger_ids: of them only these, if not C{None}.
    """

    site_id: int | None = None
    percent: int = 100
    charger_ids: frozenset[int] | None = None


def add_campaign(
    connection: Connection,
    campaign_id: int,
    tenant_id: int | None,
    name: str,
    image: Image,
    cohort: Cohort,
    pace: Pace,
    now: datetime,
) -> Campaign:
    """
    Begin a campaign.

    @param tenant_id: whose; C{None} for whoever has all of its chargers.
    @raise Invalid: if there is no charger for it, or they are of several tenants.
    """
    found = select(chargers.c.id, chargers.c.tenant_id).where(
        chargers.c.hardware == image.hardware,
        chargers.c.firmware.is_distinct_from(image.version),
        chargers.c.tenant_id > 0,
    )
    if tenant_id is not None:
        found = found.where(chargers.c.tenant_id == tenant_id)
    if cohort.site_id is not None:
        found = found.where(chargers.c.site_id == cohort.site_id)
    chosen = {
        row.id: row.tenant_id
        for row in connection.execute(found.order_by(chargers.c.id))
        if (cohort.charger_ids is None or row.id in cohort.charger_ids)
        and picked(campaign_id, row.id, cohort.percent)
    }
    if not chosen:
        raise Invalid(f"no charger with hardware {image.hardware} is to get {image.version}")
    if len(set(chosen.values())) > 1:
        raise Invalid("a campaign is for chargers of one tenant: name a site, or the chargers")
    tenant_id = next(iter(chosen.values()))
    connection.execute(
        insert(campaigns).values(
            id=campaign_id,
            tenant_id=tenant_id,
            image=image.number,
            name=name,
            state=CampaignState.RUNNING.value,
            canary=pace.canary,
            hold_s=int(pace.hold.total_seconds()),
            at_once=pace.at_once,
            most_failures=pace.most_failures,
            created_at=now,
        )
    )
    connection.execute(
        insert(updates),
        [
            {
                "campaign_id": campaign_id,
                "charger_id": charger_id,
                "tenant_id": tenant_id,
                "state": State.WAITING.value,
                "offset": 0,
                "bytes_sent": 0,
                "changed_at": now,
            }
            for charger_id in chosen
        ],
    )
    return find_campaign(connection, tenant_id, campaign_id)


def _campaign(row: Any) -> Campaign:
    pace = Pace(row.canary, timedelta(seconds=row.hold_s), row.at_once, row.most_failures)
    return Campaign(
        row.id,
        row.tenant_id,
        row.image,
        row.name,
        CampaignState(row.state),
        row.why,
        pace,
        row.created_at,
    )


def running_campaigns(connection: Connection) -> Sequence[Campaign]:
    """Of all tenants, the newest first."""
    found = select(campaigns).where(campaigns.c.state == CampaignState.RUNNING.value)
    return [_campaign(row) for row in connection.execute(found.order_by(campaigns.c.id.desc()))]


def page_of_campaigns(
    connection: Connection, tenant_id: int | None, *, limit: int, cursor: str | None
) -> tuple[Sequence[Campaign], str | None]:
    """
    The newest first; of any tenant for C{None}.

    @raise Invalid: for a cursor that is none.
    """
    found = select(campaigns)
    if tenant_id is not None:
        found = found.where(campaigns.c.tenant_id == tenant_id)
    return read_page(
        connection, found, campaigns.c.id, _campaign, limit=limit, cursor=cursor, newest_first=True
    )


@frozen
class Progress:
    """
    How far a campaign has come.

    @ivar by_state: how many chargers are where.
    """

    by_state: Mapping[str, int]
    bytes_sent: int


def progress(connection: Connection, campaign_ids: Collection[int]) -> Mapping[int, Progress]:
    """How far each of some campaigns has come."""
    found = (
        select(
            updates.c.campaign_id,
            updates.c.state,
            func.count().label("chargers"),
            func.sum(updates.c.bytes_sent).label("bytes_sent"),
        )
        .where(updates.c.campaign_id.in_(campaign_ids))
        .group_by(updates.c.campaign_id, updates.c.state)
    )
    rows = connection.execute(found).all()
    return {
        campaign_id: Progress(
            {row.state: row.chargers for row in rows if row.campaign_id == campaign_id},
            sum(int(row.bytes_sent) for row in rows if row.campaign_id == campaign_id),
        )
        for campaign_id in campaign_ids
    }


def find_campaign(connection: Connection, tenant_id: int | None, campaign_id: int) -> Campaign:
    """
    @raise NotFound: if the tenant has none of that id.
    """
    found = select(campaigns).where(campaigns.c.id == campaign_id)
    if tenant_id is not None:
        found = found.where(campaigns.c.tenant_id == tenant_id)
    row = connection.execute(found).first()
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id}")
    return _campaign(row)


def lock_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """A campaign that is there; nobody else decides of it until this transaction is over."""
    found = select(campaigns).where(campaigns.c.id == campaign_id).with_for_update()
    return _campaign(connection.execute(found).one())


def set_campaign(
    connection: Connection, campaign_id: int, state: CampaignState, why: str | None = None
) -> None:
    """Change its state."""
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(state=state.value, why=why)
    )


def set_most_failures(connection: Connection, campaign_id: int, most_failures: int) -> None:
    """Change after how many failures it halts."""
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(most_failures=most_failures)
    )


def chargers_at(connection: Connection, node: int) -> set[int]:
    """The chargers that logged in at a node last."""
    return set(connection.execute(select(chargers.c.id).where(chargers.c.node == node)).scalars())


def update_rows(connection: Connection, campaign_id: int) -> Sequence[Any]:
    """What became of each charger of a campaign."""
    found = select(updates).where(updates.c.campaign_id == campaign_id)
    return connection.execute(found.order_by(updates.c.charger_id)).all()


def as_updates(rows: Sequence[Any]) -> Sequence[Update]:
    """The same, for the rules."""
    return [Update(row.charger_id, State(row.state), row.changed_at) for row in rows]


def change_updates(
    connection: Connection,
    campaign_id: int,
    changed: Mapping[int, Mapping[str, Any]],
    before: Set[State] = frozenset(State),
) -> None:
    """
    Change columns of chargers' updates.

    @param before: states in which they may be; others stay as they are.
    """
    states = [state.value for state in before]
    for charger_id, values in changed.items():
        connection.execute(
            update(updates)
            .where(
                updates.c.campaign_id == campaign_id,
                updates.c.charger_id == charger_id,
                updates.c.state.in_(states),
            )
            .values(**values)
        )


def catch_up(connection: Connection, charger_id: int, image: int, now: datetime) -> None:
    """A charger that was given up, or told to forget an image, runs it all the same."""
    given_up = [state.value for state in GIVEN_UP]
    with_image = select(campaigns.c.id).where(campaigns.c.image == image)
    connection.execute(
        update(updates)
        .where(
            updates.c.charger_id == charger_id,
            updates.c.state.in_(given_up),
            updates.c.campaign_id.in_(with_image),
        )
        .values(state=State.DONE.value, changed_at=now)
    )


def add_bytes(connection: Connection, sent: Mapping[int, tuple[int, int, int]]) -> None:
    """
    Count what was sent.

    @param sent: by the charger: its campaign, how many bytes more, and how far it has come.
    """
    for charger_id, (campaign_id, count, offset) in sent.items():
        connection.execute(
            update(updates)
            .where(updates.c.campaign_id == campaign_id, updates.c.charger_id == charger_id)
            .values(bytes_sent=updates.c.bytes_sent + count, offset=offset)
        )
