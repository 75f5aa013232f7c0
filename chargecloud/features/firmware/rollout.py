"""What is decided of a whole campaign, each in one transaction.

Every node with chargers goes on with every campaign, and people halt them from any node: so the
campaign's row is locked before anything of it is read, and what follows is written with it.
"""

from collections.abc import Sequence, Set
from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection

from chargecloud.domain.errors import Conflict
from chargecloud.features.firmware import store
from chargecloud.features.firmware.model import (
    BAD,
    UNDER_WAY,
    CampaignState,
    State,
    next_ones,
    verdict,
)


@frozen
class Decided:
    """
    What has come of it.

    @ivar state: of the campaign now.
    @ivar begun: chargers that are to be offered its image.
    @ivar withdrawn: chargers that are to forget it.
    @ivar why: it was halted.
    """

    state: CampaignState
    image: int
    begun: Sequence[int] = ()
    withdrawn: Sequence[int] = ()
    why: str | None = None


def go_on(connection: Connection, campaign_id: int, free: Set[int], now: datetime) -> Decided:
    """
    Halt a campaign, end it, or begin with as many chargers as may begin.

    @param free: as L{next_ones} takes it.
    """
    campaign = store.lock_campaign(connection, campaign_id)
    if campaign.state is not CampaignState.RUNNING:
        return Decided(campaign.state, campaign.image)
    updates = store.as_updates(store.update_rows(connection, campaign_id))
    found, why = verdict(campaign.pace, updates)
    if found is CampaignState.HALTED:
        return halt(connection, campaign_id, why or "", now)
    if found is CampaignState.DONE:
        store.set_campaign(connection, campaign_id, found)
        return Decided(found, campaign.image)
    begun = next_ones(campaign.pace, updates, free, now)
    offered = {"state": State.OFFERED.value, "offset": 0, "changed_at": now}
    store.change_updates(connection, campaign_id, dict.fromkeys(begun, offered), {State.WAITING})
    return Decided(found, campaign.image, begun=begun)


def halt(connection: Connection, campaign_id: int, why: str, now: datetime) -> Decided:
    """Nobody else begins, and who has begun is to forget it, at whatever node."""
    campaign = store.lock_campaign(connection, campaign_id)
    if campaign.state is not CampaignState.RUNNING:
        return Decided(campaign.state, campaign.image)
    updates = store.as_updates(store.update_rows(connection, campaign_id))
    withdrawn = [each.charger_id for each in updates if each.state in UNDER_WAY]
    gone = {"state": State.WITHDRAWN.value, "changed_at": now}
    store.set_campaign(connection, campaign_id, CampaignState.HALTED, why)
    store.change_updates(connection, campaign_id, dict.fromkeys(withdrawn, gone), UNDER_WAY)
    return Decided(CampaignState.HALTED, campaign.image, withdrawn=withdrawn, why=why)


def resume(connection: Connection, campaign_id: int, most_failures: int) -> None:
    """
    Who was stopped begins anew, who failed does not.

    @raise Conflict: if more have failed than may: it would halt again at once.
    """
    store.lock_campaign(connection, campaign_id)
    updates = store.as_updates(store.update_rows(connection, campaign_id))
    failures = sum(each.state in BAD for each in updates)
    if failures > most_failures:
        raise Conflict(
            f"{failures} have failed already: say with most_failures how many may",
            failures=failures,
        )
    store.set_campaign(connection, campaign_id, CampaignState.RUNNING)
    store.set_most_failures(connection, campaign_id, most_failures)
    waits = {"state": State.WAITING.value}
    stopped = [each.charger_id for each in updates if each.state is State.WITHDRAWN]
    store.change_updates(connection, campaign_id, dict.fromkeys(stopped, waits), {State.WITHDRAWN})
