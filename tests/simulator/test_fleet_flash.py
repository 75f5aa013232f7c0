import json
import os
from pathlib import Path

import pytest

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.simulator.book import Book
from chargecloud.simulator.ending import Ending
from chargecloud.simulator.flash import Flash, FlashError, FleetCharger, FleetMemory, text_of
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.memory import Memory
from tests.simulator.charger_parts import NOW, ORDER, bike, new_stand


def fleet_of(memory: Memory) -> FleetMemory:
    """A fleet with one charger."""
    return FleetMemory(
        sites={"North campus": "1"},
        tariffs={"By time": "2"},
        last_number=1,
        chargers=[FleetCharger("SIM-0001", "3", Keyring("SIM-0001", "00" * 16), memory)],
        customers=["4", "5"],
    )


def test_a_memory_comes_back_as_it_was(tmp_path: Path) -> None:
    """Running orders, plugs, meters and records of both kinds."""
    stand = new_stand()
    for port in (1, 2):
        stand.charger.plug(port, bike(), stand.now)
        stand.start(port, ORDER + port, limit_energy_mwh=10**6)
    stand.charger.obey(StopCharge(ORDER + 1, 1), stand.after(600))
    fleet = fleet_of(stand.charger.memory)
    flash = Flash(tmp_path / "new" / "flash.json")
    flash.write(text_of(fleet))
    assert flash.read() == fleet
    assert len(fleet.chargers[0].memory.records) == 3


def test_a_first_run_remembers_nothing(tmp_path: Path) -> None:
    """No file is no fault."""
    assert Flash(tmp_path / "flash.json").read() == FleetMemory()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sites": 7}', '{"wheels": 2}'])
def test_a_file_that_is_no_memory_is_refused(tmp_path: Path, text: str) -> None:
    """Nothing is guessed, and the file stays as it is."""
    path = tmp_path / "flash.json"
    path.write_text(text)
    with pytest.raises(FlashError, match=r"flash\.json is no fleet's memory"):
        Flash(path).read()
    assert path.read_text() == text


def test_a_write_that_is_cut_off_leaves_the_old_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the whole new file is on the disk, the old one is what is read."""
    flash = Flash(tmp_path / "flash.json")
    flash.write(text_of(FleetMemory(last_number=1)))

    def power_cut(_descriptor: int) -> None:
        raise OSError("the power has gone")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="power"):
        flash.write(text_of(FleetMemory(last_number=2)))
    assert flash.read() == FleetMemory(last_number=1)


def test_a_second_run_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    """The same order, the meter from where it was; the time between is not charged."""
    first = new_stand()
    first.charger.plug(1, bike(), first.now)
    first.start(limit_duration_s=1_000)
    first.charger.advance(first.after(400))
    flash = Flash(tmp_path / "flash.json")
    flash.write(text_of(fleet_of(first.charger.memory)))

    second = new_stand(flash.read().chargers[0].memory)
    assert second.charger.memory.boot == 2
    assert second.charger.port(1).meter_mwh == bike().curve.energy_mwh(400)
    second.charger.advance(second.after(599))
    assert second.charger.port(1).charge is not None
    second.charger.advance(second.after(1))
    assert second.ended.duration_s == 1_000
    assert second.ended.end_meter_mwh == bike().curve.energy_mwh(1_000)
    assert second.ended.at == ChargerTime(2, 600)


def test_the_book_has_a_line_for_each_charge(tmp_path: Path) -> None:
    """With all that a bill is compared with."""
    stand = new_stand()
    stand.charger.plug(1, bike(), stand.now)
    stand.start(limit_duration_s=100)
    stand.charger.advance(stand.after(200))
    book = Book(tmp_path / "new" / "book.jsonl", tmp_path / "stays.jsonl")
    for _ in range(2):
        book.add("SIM-0001", stand.ended, NOW)
    lines = [json.loads(line) for line in book.path.read_text().splitlines()]
    assert lines[0] == lines[1]
    assert lines[0] == {
        "order_id": str(ORDER),
        "offline": None,
        "charger": "SIM-0001",
        "port": 1,
        "start_meter_mwh": 0,
        "end_meter_mwh": bike().curve.energy_mwh(100),
        "duration_s": 100,
        "reason": "limit_time",
        "ended_at": "2026-11-23T01:00:00+00:00",
    }


def test_the_book_names_an_offline_charge_by_its_card(tmp_path: Path) -> None:
    """It may have no order yet; the charger's own number of it is what the platform knows."""
    stand = new_stand()
    stand.charger.memory.cards.append("CARD")
    stand.charger.plug(1, bike(), stand.now)
    stand.charger.present_card(1, "CARD", stand.now)
    stand.charger.present_card(1, "CARD", stand.after(100))
    book = Book(tmp_path / "book.jsonl", tmp_path / "stays.jsonl")
    book.add("SIM-0001", stand.ended, NOW)
    (line,) = [json.loads(line) for line in book.path.read_text().splitlines()]
    assert line["order_id"] is None
    assert line["offline"] == {"number": 1, "card_uid": "CARD", "code": None}
    assert (line["duration_s"], line["reason"]) == (100, "user")


def test_all_that_a_charge_has_come_through_is_kept(tmp_path: Path) -> None:
    """A waiting plug, an offline start, and the rules of the cut-off."""
    stand = new_stand()
    stand.charger.memory.cards.append("CARD")
    for port in (1, 2):
        stand.charger.plug(port, bike(), stand.now)
    stand.start(1, cut_off=CutOff(replug_grace_s=500))
    stand.charger.present_card(2, "CARD", stand.now)
    stand.charger.unplug(1, stand.after(900))
    fleet = fleet_of(stand.charger.memory)
    fleet.cards["4"] = "CARD"
    flash = Flash(tmp_path / "flash.json")
    flash.write(text_of(fleet))
    assert flash.read() == fleet
    charge = flash.read().chargers[0].memory.ports[0].charge
    assert charge is not None
    assert charge.ending == Ending(1_400, StopReason.UNPLUGGED)
