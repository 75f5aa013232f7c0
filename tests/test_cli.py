"""The command line, each command in this process on a real configuration and database."""

import argparse
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, delete, update
from twisted.internet.defer import Deferred

from chargecloud import __version__
from chargecloud.cli import main
from chargecloud.cli.commands import parser
from chargecloud.dialects.native.manifest import MANIFEST, SIGNED_LABEL
from chargecloud.plugins import load_plugins
from chargecloud.registry.tokens import ROLES, Tokens
from chargecloud.registry.users import Users, WrongPassword
from chargecloud.storage.schema import accounts, chargers, event_log, orders, postings, tenants
from tests.harness import clock_at, failure_of, open_store, result_of, rows_of
from tests.world import Box, World


@frozen
class Said:
    """What a command came to."""

    status: int
    out: str
    err: str


def revisions() -> dict[str, Path]:
    """The revisions that the command line brings a database to."""
    return load_plugins().migrations


def platform(folder: Path) -> World:
    """The service beside the command line."""
    return World(folder, migrations=revisions())


#: runs a command; C{CONFIG} stands for the options that name the configuration
Run = Callable[..., Said]
CONFIG = "CONFIG"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose files are beside it."""
    path = tmp_path / "node.toml"
    path.write_text(f'[node]\ndata_dir = "{tmp_path}"\n')
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line on it."""

    def command(*words: str) -> Said:
        given: list[str] = []
        for word in words:
            given += ["--config", str(config)] if word is CONFIG else [word]
        capsys.readouterr()
        try:
            status: Any = main(given)
        except SystemExit as exiting:
            status = exiting.code
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return command


@pytest.fixture
def upgraded(run: Run) -> Run:
    """The command line on a database that is up to date."""
    assert run("db", "upgrade", CONFIG).status == 0
    return run


# --------------------------------------------------------------------------------- looking


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), ["COMMAND --help", "config", "plugins", "db", "tenant", "token", "charger", "ledger"]),
        ((), ["user", "decode", "replay", "twistd chargecloud --config single.toml"]),
        (("token",), ["tokens of the HTTP API", "create"]),
        (("token", "create"), ["never again", "--tenant", "--role", "administrator"]),
        (("charger", "add"), ["--dialect", "--rated-w", "ebike,etrike,ac,dc", "key"]),
        (("config", "check"), ["every fault", "FILE", "etc/"]),
        (("ledger", "verify"), ["exit status is 1"]),
        (("db", "check"), ["--config"]),
    ],
)
def test_help_teaches(run: Run, words: tuple[str, ...], told: list[str]) -> None:
    """At each level the help says what there is and what it does."""
    said = run(*words, "--help")
    assert (said.status, said.err) == (0, "")
    assert [word for word in told if word not in " ".join(said.out.split())] == []


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The commands, out of their rooms."""
    rooms = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not rooms:
        yield parser
    for room in rooms:
        for inner in room.choices.values():
            yield from _commands(inner)


def test_each_example_is_one() -> None:
    """Each command shows how it is typed, and that is how it can be typed."""
    made = parser()
    commands = list(_commands(made))
    assert len(commands) > 20
    for each in commands:
        words = str(each.epilog).removeprefix("example: ").split()
        assert " ".join(words).startswith(each.prog), each.prog
        assert made.parse_args(words[1:]).run


@pytest.mark.parametrize("words", [(), ("db",), ("db", "shrink"), ("db", "check"), ("fly",)])
def test_what_is_no_command(run: Run, words: tuple[str, ...]) -> None:
    """The usage goes to the errors, with the exit status of a wrong usage."""
    said = run(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("usage: chargecloud")


def test_a_good_configuration(run: Run, config: Path) -> None:
    """It is said what would be run."""
    said = run("config", "check", str(config))
    assert (said.status, said.err) == (0, "")
    assert f"{config}: good; database sqlite:///{config.parent}/chargecloud.db" in said.out
    assert "dialects: native" in said.out
    assert "statistics" in said.out


def test_no_password_is_shown(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen has people before it, and a terminal remembers."""
    monkeypatch.setenv("CC_DB", "sqlite://user:hunter2@/x.db")
    config.write_text('[database]\nurl = "env:CC_DB"')
    said = run("config", "check", str(config))
    assert said.status == 0
    assert "hunter2" not in said.out
    assert "sqlite://user:***@/x.db" in said.out


def test_a_bad_configuration(run: Run, config: Path) -> None:
    """All faults go to the errors, a line each."""
    config.write_text("[node]\nid = -1\n[limits]\nmissed = 1\n[moon]")
    said = run("config", "check", str(config))
    assert (said.status, said.out) == (1, "")
    assert said.err.splitlines() == [
        f"{config}: node.id: must be between 0 and 1023",
        f"{config}: limits.missed: must be between 2 and 10",
        f"{config}: moon: is a table of neither the core nor an installed feature",
    ]
    assert run("db", "upgrade", CONFIG).err == said.err


def test_plugins_are_listed(run: Run) -> None:
    """What each provides, and where it comes from."""
    said = run("plugins", "list", CONFIG)
    assert said.status == 0
    lines = [line.split() for line in said.out.splitlines()]
    version = __version__
    module = "chargecloud.dialects.native.dialect"
    assert ["dialects", "native", "chargecloud", version, module] in lines
    assert {"by_time", "statistics", "log"} <= {line[1] for line in lines}


# ------------------------------------------------------------------------------ the database


def test_the_database_is_brought_up_to_date(run: Run, config: Path) -> None:
    """It is made; what it lacks is named, with exit status 1, until it lacks nothing."""
    before = run("db", "check", CONFIG)
    assert before.status == 1
    assert before.err.startswith("there is no database")
    assert not (config.parent / "chargecloud.db").exists()
    sqlite3.connect(config.parent / "chargecloud.db").close()
    assert "the database lacks core_0" in run("db", "check", CONFIG).out
    assert run("db", "upgrade", CONFIG).out == "the database is up to date\n"
    after = run("db", "check", CONFIG)
    assert (after.status, after.out) == (0, "the database is up to date\n")
    assert run("db", "upgrade", CONFIG).status == 0


@pytest.mark.parametrize(
    "words", [("tenant", "create", CONFIG, "x"), ("token", "create", CONFIG, "x", "--platform"),
              ("ledger", "verify", CONFIG)]
)  # fmt: skip
def test_a_database_that_is_not_up_to_date(run: Run, config: Path, words: tuple[str, ...]) -> None:
    """It is said what is to be done, and nothing is written."""
    sqlite3.connect(config.parent / "chargecloud.db").close()
    said = run(*words)
    assert (said.status, said.out) == (1, "")
    assert "core_0" in said.err
    assert "chargecloud db upgrade" in said.err


@pytest.mark.parametrize("words", [("db", "check"), ("db", "upgrade"), ("tenant", "list")])
def test_a_database_of_a_newer_version(run: Run, config: Path, words: tuple[str, str]) -> None:
    """Somebody has gone back to an older one after an upgrade."""
    assert run("db", "upgrade", CONFIG).status == 0
    with closing(sqlite3.connect(config.parent / "chargecloud.db")) as connection:
        connection.execute("UPDATE revisions_core SET version_num = 'core_9999'")
        connection.commit()
    said = run(*words, CONFIG)
    assert (said.status, said.out) == (1, "")
    assert "is of a newer version (core_9999)" in said.err


def test_a_database_that_cannot_be_opened(run: Run, config: Path) -> None:
    """The database's own words, in one line and without a traceback."""
    (config.parent / "chargecloud.db").write_text("this is no database, whatever its name is" * 9)
    said = run("db", "check", CONFIG)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("the database: ")
    assert "file is not a database" in said.err
    assert len(said.err.splitlines()) == 1


# ------------------------------------------------------------------------ tenants and tokens


def test_a_tenant_is_made(upgraded: Run) -> None:
    """Its id is printed, for the commands that want it; a name is taken once."""
    made = upgraded("tenant", "create", CONFIG, "Campus")
    assert (made.status, made.err) == (0, "")
    assert int(made.out) > 0
    again = upgraded("tenant", "create", CONFIG, "Campus")
    assert (again.status, again.out) == (1, "")
    assert again.err == "there is a tenant 'Campus' already\n"


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_token_authenticates(upgraded: Run, config: Path, role: str) -> None:
    """What is printed opens the API for its tenant, with what the role may do."""
    tenant = upgraded("tenant", "create", CONFIG, "Campus").out.strip()
    made = upgraded("token", "create", CONFIG, "till", "--tenant", tenant, "--role", role)
    assert (made.status, made.err) == (0, "")
    tokens = Tokens(open_store(config.parent, clock_at(), revisions()))
    caller = result_of(tokens.authenticate(made.out.strip()))
    assert caller.tenant_id == int(tenant)
    assert caller.permissions == frozenset(ROLES[role])


def test_a_revoked_token_opens_nothing(upgraded: Run, config: Path) -> None:
    """Its id is found in the list, which shows no token."""
    token = upgraded("token", "create", CONFIG, "till", "--platform").out.strip()
    (line,) = upgraded("token", "list", CONFIG).out.splitlines()
    assert token not in line
    token_id, whose, role, _made, until, name = line.split()
    assert (whose, role, until, name) == ("platform", "operator", "-", "till")
    assert upgraded("token", "revoke", CONFIG, token_id).status == 0
    tokens = Tokens(open_store(config.parent, clock_at(), revisions()))
    assert result_of(tokens.authenticate(token)) is None
    again = upgraded("token", "revoke", CONFIG, token_id)
    assert (again.status, again.out) == (1, "")


def test_tenants_are_listed(upgraded: Run) -> None:
    """With the ids that other commands want."""
    tenant = upgraded("tenant", "create", CONFIG, "Campus").out.strip()
    assert f"{tenant} Campus" in upgraded("tenant", "list", CONFIG).out.splitlines()


def test_a_token_of_the_platform(upgraded: Run, config: Path) -> None:
    """Without a tenant it is the administrator's own."""
    token = upgraded(
        "token", "create", CONFIG, "root", "--platform", "--role", "administrator"
    ).out.strip()
    caller = result_of(
        Tokens(open_store(config.parent, clock_at(), revisions())).authenticate(token)
    )
    assert caller.tenant_id is None
    assert caller.may("sites:write")


def test_a_token_of_nobody(upgraded: Run) -> None:
    """There has to be such a tenant."""
    said = upgraded("token", "create", CONFIG, "till", "--tenant", "77")
    assert (said.status, said.out, said.err) == (1, "", "there is no tenant 77\n")


# --------------------------------------------------------------------------------- chargers


def add(run: Run, site: str, *more: str) -> Said:
    """Register a charger of two ports."""
    usual = ("--ports", "2", "--kind", "ebike", "--rated-w", "1600")
    return run("charger", "add", CONFIG, site, "EB-0001", *usual, *more)


def test_a_charger_that_is_added_connects(run: Run, config: Path) -> None:
    """The key that is printed is the one that the platform knows the charger by."""
    world = platform(config.parent)
    said = add(run, world.site(), "--name", "Gate 1")
    assert (said.status, said.err) == (0, "")
    lines = dict(line.split() for line in said.out.splitlines())
    assert lines.keys() == {"id", "key"}
    shown = world.get(f"/chargers/{lines['id']}")
    assert (shown["name"], shown["ports"], shown["rated_w"]) == ("Gate 1", 2, 1600)
    box = Box(world, int(lines["id"]), "EB-0001", bytes.fromhex(lines["key"])).connect()
    assert box.welcomed
    assert world.get(f"/chargers/{lines['id']}")["online"]


def test_adding_is_told_to_those_who_follow(run: Run, config: Path) -> None:
    """The command line writes to the event log under a node of its own, so that it never
    takes a place that the service beside it will want."""
    world = platform(config.parent)
    site = world.site()
    add(run, site)
    logged = {(row["kind"], row["node"]) for row in rows_of(world.store, event_log)}
    assert ("charger.created", 0) in logged
    world.box(site, "EB-0002")
    assert ("charger.created", 1) in {
        (row["kind"], row["node"]) for row in rows_of(world.store, event_log)
    }


@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        (("--dialect", "klingon"), 1, "no dialect 'klingon'"),
        (("--ports", "0"), 2, "from 1 to 64"),
        (("--ports", "many"), 2, "from 1 to 64"),
        (("--rated-w", "-5"), 2, "from 1 to"),
        (("--kind", "tank"), 2, "invalid choice: 'tank'"),
    ],
)
def test_a_charger_that_cannot_be(
    run: Run, config: Path, more: tuple[str, ...], status: int, why: str
) -> None:
    """It is said why, and nothing is registered."""
    world = platform(config.parent)
    said = add(run, world.site(), *more)
    assert (said.status, said.out) == (status, "")
    assert why in said.err
    assert rows_of(world.store, chargers) == []


def test_a_charger_is_added_once_and_at_a_site(run: Run, config: Path) -> None:
    """Its identity is taken then, and the site must be there."""
    site = platform(config.parent).site()
    assert add(run, "77").err == "there is no site 77\n"
    assert add(run, site).status == 0
    assert add(run, site).err == "there is a native charger 'EB-0001' already\n"


def test_a_shifted_calendar_is_not_torn_by_the_command_line(run: Run, config: Path) -> None:
    """Where a demonstration's date is another than ours, it is the one that is written."""
    config.write_text(config.read_text() + "[calendar]\nstart = 2040-01-01T00:00:00Z\nspeed = 60.0")
    run("db", "upgrade", CONFIG)
    run("tenant", "create", CONFIG, "Campus")
    (made,) = rows_of(open_store(config.parent, clock_at(), revisions()), tenants)
    assert made["created_at"].year == 2040


def test_a_database_of_another_installation(run: Run, config: Path) -> None:
    """A database of a newer release is told in a line, and not in a traceback."""
    store = platform(config.parent).store
    result_of(
        store.writer.transact(
            lambda connection: connection.exec_driver_sql(
                "UPDATE revisions_core SET version_num = 'core_9999'"
            )
        )
    )
    said = run("db", "upgrade", CONFIG)
    assert (said.status, said.out) == (1, "")
    assert "core_9999" in said.err
    assert len(said.err.splitlines()) == 1


# --------------------------------------------------------------------------------- the money


def charged(folder: Path) -> World:
    """A platform with a charge that was paid."""
    world = platform(folder)
    box = world.box().connect()
    world.order(box, world.customer(1000))
    started = box.begin()
    world.pass_time(3600, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 3600)
    return world


def test_sound_books(run: Run, config: Path) -> None:
    """It is said that they are."""
    charged(config.parent)
    assert run("ledger", "verify", CONFIG) == Said(0, "the books are sound\n", "")


def test_heads_that_are_kept_elsewhere(run: Run, config: Path) -> None:
    """What was there then has to be there still, whatever else the books say of themselves."""
    world = charged(config.parent)
    kept = config.parent / "heads"
    kept.write_text(run("ledger", "head", CONFIG).out)
    tenant_id, node, seq, digest = kept.read_text().split()
    world.customer(5)
    since = ("ledger", "verify", CONFIG, "--since-head", str(kept))
    assert run(*since) == Said(0, "the books are sound\n", "")
    kept.write_text(f"{tenant_id} {node} {seq} {'00' * 32}\n\n{tenant_id} 9 4 {digest}\n")
    said = run(*since)
    assert said.status == 1
    assert said.out.splitlines() == [
        f"the chain of tenant {tenant_id} at node {node}: number {seq} has the digest {digest}, "
        f"the head that was kept says {'00' * 32}",
        f"the chain of tenant {tenant_id} at node 9: there is no number 4, of which a head was "
        "kept",
        "2 faults",
    ]
    kept.write_text("nonsense\n")
    said = run(*since)
    assert (said.status, said.out) == (1, "")
    assert "line 1: must be tenant, node, number and digest" in said.err


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            update(accounts).where(accounts.c.kind == "wallet").values(balance_fen=10**6),
            "the balance is 1000000 fen, its postings sum to ",
        ),
        (delete(postings).where(postings.c.cause == "release"), "its postings sum to"),
        (update(orders).values(amount_fen=1), "its bill's lines are"),
    ],
)
def test_books_that_were_tampered_with(run: Run, config: Path, change: object, why: str) -> None:
    """Each contradiction is a line, and the exit status is 1."""
    world = charged(config.parent)

    def plant(connection: Connection) -> None:
        connection.execute(change)  # type: ignore[call-overload]

    result_of(world.store.writer.transact(plant))
    said = run("ledger", "verify", CONFIG)
    assert (said.status, said.err) == (1, "")
    *found, last = said.out.splitlines()
    assert last == f"{len(found)} faults"
    assert any(why in fault for fault in found)


# ------------------------------------------------------------------------------- a factory


def test_a_batch_from_the_factory_to_the_pool(upgraded: Run, tmp_path: Path) -> None:
    """Made on one machine, taken in on another; the second time it is known."""
    key, batch = tmp_path / "transport.key", tmp_path / "batch.jsonl"
    key.write_text(upgraded("factory", "new-transport-key").out)
    about = ("--ports", "10", "--kind", "ebike", "--rated-w", "5500")
    words = ("--key", str(key), "--name", "w47", "--prefix", "EB10-", "--count", "3", *about)
    assert upgraded("factory", "make-batch", str(batch), *words).status == 0
    table = Path(f"{batch}.keys.csv").read_text().splitlines()
    assert len(table) == 4
    identity, _key, code, text = table[1].split(",")
    assert text == f"CHARGECLOUD:1:EB10-000001:{code}"
    assert identity == "EB10-000001"
    assert Path(f"{batch}.keys.csv").stat().st_mode & 0o077 == 0
    # what is there is not written over
    assert upgraded("factory", "make-batch", str(batch), *words).status == 1

    taken = upgraded("factory", "import", str(batch), "--key", str(key), CONFIG)
    assert (taken.status, taken.out) == (0, "3 imported, 0 known, 0 refused\n")
    again = upgraded("factory", "import", str(batch), "--key", str(key), CONFIG)
    assert again.out == "0 imported, 3 known, 0 refused\n"

    lines = batch.read_text().splitlines()
    batch.write_text("\n".join([lines[0], "{}", *lines[2:]]))
    bad = upgraded("factory", "import", str(batch), "--key", str(key), CONFIG)
    assert bad.status == 1
    assert f"{batch}:2: the line is not a charger of a batch" in bad.out
    key.write_text("00")
    assert upgraded("factory", "import", str(batch), "--key", str(key), CONFIG).status == 1


def test_a_vendor_signs_an_image_and_the_platform_takes_it(run: Run, tmp_path: Path) -> None:
    """On a machine of its own; the key's file is its alone."""
    key, image = tmp_path / "vendor.key", tmp_path / "image.bin"
    made = run("firmware", "new-key", str(key))
    assert made.status == 0
    assert key.stat().st_mode & 0o077 == 0
    assert run("firmware", "new-key", str(key)).status == 1
    image.write_bytes(bytes(range(256)))
    about = ("--hardware", "SIM-10", "--build", "7", "--version", "1.5.0")
    signed = run("firmware", "sign", str(image), "--key", str(key), *about)
    assert signed.status == 0
    body = json.loads(signed.out)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.out.strip()))
    manifest = bytes.fromhex(body["manifest"])
    public.verify(bytes.fromhex(body["signature"]), SIGNED_LABEL + manifest)
    assert MANIFEST.read(manifest)["build"] == 7
    long = ("--hardware", "x" * 33, "--build", "7", "--version", "1.5.0")
    refused = run("firmware", "sign", str(image), "--key", str(key), *long)
    assert (refused.status, "cannot be signed" in refused.err) == (1, True)


# --------------------------------------------------------------------------- people who sign in


def test_a_user_signs_in(upgraded: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the password from the standard input, until they are disabled."""
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    made = upgraded("user", "create", CONFIG, "li", "--platform", "--role", "viewer")
    assert (made.status, made.out, made.err) == (0, "", "")
    (line,) = upgraded("user", "list", CONFIG).out.splitlines()
    assert line.split()[1:3] + line.split()[4:] == ["platform", "viewer", "-", "li"]
    store = open_store(config.parent, clock_at(), revisions())
    users = Users(store, store.writer.calendar, time.time)
    signed_in = result_of(Deferred.fromCoroutine(users.sign_in("li", "correct horse")))
    assert result_of(Tokens(store).authenticate(signed_in.token)).permissions == frozenset(
        ROLES["viewer"]
    )
    assert upgraded("user", "disable", CONFIG, "li").status == 0
    assert result_of(Tokens(store).authenticate(signed_in.token)) is None
    failure_of(users.sign_in("li", "correct horse"), WrongPassword)
    assert upgraded("user", "disable", CONFIG, "li").status == 1
    # back again, with more rights and another password
    monkeypatch.setattr("sys.stdin", io.StringIO("battery staple\n"))
    change = ("user", "change", CONFIG, "li")
    assert upgraded(*change, "--enable", "--password", "--role", "operator").status == 0
    signed_in = result_of(users.sign_in("li", "battery staple"))
    assert frozenset(signed_in.permissions) == frozenset(ROLES["operator"])
    # what they were allowed until now ends with the session
    assert upgraded(*change, "--role", "viewer").status == 0
    assert result_of(Tokens(store).authenticate(signed_in.token)) is None
    for words, why in (
        ((*change,), "nothing is to be changed"),
        ((*change[:3], "wu", "--enable"), "there is no user 'wu'"),
    ):
        said = upgraded(*words)
        assert (said.status, why in said.err) == (1, True)


def test_a_user_that_cannot_be(upgraded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short password, a tenant that there is none of, a name that is taken."""
    for password, whose, why in (
        ("short", ("--platform",), "a password has 10 to 200 characters"),
        ("long enough", ("--tenant", "7"), "there is no tenant 7"),
        ("long enough", ("--platform",), ""),
        ("long enough", ("--platform",), "there is a user 'li' already"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        said = upgraded("user", "create", CONFIG, "li", *whose)
        assert (said.status, said.err.strip()) == (1 if why else 0, why)


# ----------------------------------------------------------------------------------- the wire


def test_bytes_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of JSON for each line of hexadecimal; one that is not valid makes the status 1."""
    good = run("decode", "--dialect", "native", "c3 03 01 01 05")
    assert good.status == 0
    told = json.loads(good.out)
    assert (told["valid"], told["error"]) == (True, None)
    assert told["frames"] == [
        {
            "kind": "refusal",
            "charger": None,
            "fields": {"version": 1, "code": "unknown_charger", "retry_s": 5},
        }
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("c303010105\n\nzz\nc303\n"))
    mixed = run("decode", "--dialect", "native", "-")
    valid = [json.loads(line)["valid"] for line in mixed.out.splitlines()]
    assert (mixed.status, valid) == (1, [True, False, False, False])
    assert all(json.loads(line)["error"] for line in mixed.out.splitlines()[1:])


def test_a_dialect_that_is_not_installed(run: Run) -> None:
    """Those that are, are named."""
    said = run("decode", "--dialect", "klingon", "00")
    assert said.status == 1
    assert said.err.startswith("no dialect 'klingon'; there is ")
    assert "native" in said.err


def test_a_recording_is_read_again(run: Run, tmp_path: Path) -> None:
    """As the API gave it: the same frames in the same words, the oldest first; and what is
    read otherwise than it was is marked."""
    world = platform(tmp_path / "node")
    box = world.box(world.site()).connect()
    box.report(power_dw=1234)
    recording = world.get(f"/chargers/{box.id}/frames")
    file = tmp_path / "frames.json"
    file.write_text(json.dumps(recording, separators=(",", ":")))
    said = run("replay", str(file))
    lines = said.out.splitlines()
    assert (said.status, len(lines)) == (0, len(recording["items"]))
    assert "up   hello" in lines[0]
    assert '"power_dw": 1234' in lines[-2]
    recording["items"][1]["fields"]["ports"][0]["power_dw"] = 1235
    file.write_text("\n".join(json.dumps(each) for each in recording["items"][::-1]))
    said = run("replay", str(file))
    assert (said.status, [line[0] for line in said.out.splitlines()].count("!")) == (1, 1)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"items": [{}]}', '{"at": 1}', "7"])
def test_what_is_no_recording(run: Run, tmp_path: Path, text: str) -> None:
    """It is said; an empty one is read to its end."""
    file = tmp_path / "frames.json"
    file.write_text(text)
    said = run("replay", str(file))
    assert (said.status, bool(said.err)) == ((1, True) if text else (0, False))


def test_plugins_are_checked(run: Run) -> None:
    """Without a configuration."""
    said = run("plugins", "check")
    assert (said.status, said.out.startswith("good: ")) == (0, True)
