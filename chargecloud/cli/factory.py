"""Chargers that a factory makes: keys for them, batches, and taking those in."""

import argparse
import os
from collections import Counter
from pathlib import Path

from chargecloud.cli.opening import open_store, result_of
from chargecloud.cli.parsing import Parsers, about_chargers, command, whole
from chargecloud.domain.charger import ChargerKind
from chargecloud.registry.batches import (
    MOST_CHARGERS,
    TRANSPORT_KEY_BYTES,
    Batch,
    MadeCharger,
    claim_digest,
    label,
    new_code,
    read_batch,
    read_transport_key,
    write_batch,
)
from chargecloud.registry.pool import Pool
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.vault import Vault


def factory_new_key(_arguments: argparse.Namespace) -> int:
    """Make a transport key and print it.  A factory and the platform share it; it opens the
    keys of every batch that was wrapped with it."""
    print(os.urandom(TRANSPORT_KEY_BYTES).hex())
    return 0


def factory_make_batch(arguments: argparse.Namespace) -> int:
    """Make the keys and claim codes of chargers that are to be made: the batch for the
    platform, and beside it a table for the factory, with the key and the QR text of each.
    The table is the only place in which the keys are to be read."""
    transport_key = read_transport_key(Path(arguments.key).read_text(encoding="ascii"))
    batch = Batch(
        arguments.name,
        arguments.dialect,
        ChargerKind(arguments.kind),
        arguments.ports,
        arguments.rated_w,
        arguments.vendor,
    )
    made, table = [], ["identity,key,code,label"]
    for number in range(arguments.first, arguments.first + arguments.count):
        identity, key, code = f"{arguments.prefix}{number:06}", os.urandom(16), new_code()
        made.append(MadeCharger(identity, key, claim_digest(identity, code)))
        table.append(f"{identity},{key.hex()},{code},{label(identity, code)}")
    text = write_batch(batch, made, transport_key)
    for path, content in ((arguments.out, text), (f"{arguments.out}.keys.csv", "\n".join(table))):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content.rstrip("\n") + "\n")
    print(f"{len(made)} chargers: {arguments.out} for the platform, ", end="")
    print(f"{arguments.out}.keys.csv for the factory")
    return 0


def factory_import(arguments: argparse.Namespace) -> int:
    """Take in the chargers of a batch: nobody's, until an installer claims them.  Each line
    that is refused is named; the others are taken in.  A batch may be taken in again."""
    transport_key = read_transport_key(Path(arguments.key).read_text(encoding="ascii"))
    batch, lines = read_batch(Path(arguments.file).read_text(encoding="utf-8"), transport_key)
    with open_store(arguments) as (store, calendar, setup):
        vault = Vault.open(setup.config.master_key)
        pool = Pool(store, calendar, Secrets(vault, setup.plugins.dialects))
        report = result_of(pool.take_in(batch, list(lines)))
    for each in report:
        if each.why is not None:
            print(f"{arguments.file}:{each.line}: {each.identity or 'the line'} {each.why}")
    counted = Counter(each.outcome for each in report)
    print(", ".join(f"{counted[each]} {each}" for each in ("imported", "known", "refused")))
    return 1 if counted["refused"] else 0


def factory_commands(factory: Parsers) -> None:
    """Declare them."""
    command(
        factory,
        "new-transport-key",
        factory_new_key,
        example="chargecloud factory new-transport-key",
        configured=False,
    )
    made = command(
        factory,
        "make-batch",
        factory_make_batch,
        example="chargecloud factory make-batch spring.json --key transport.key --name spring "
        "--prefix EB10- --count 200 --ports 10 --kind ebike --rated-w 5500",
        configured=False,
    )
    made.add_argument("out", metavar="FILE", help="the batch to be written; it must not be there")
    made.add_argument("--key", metavar="FILE", required=True, help="the transport key's file")
    made.add_argument("--name", required=True, help="of the batch")
    made.add_argument("--prefix", required=True, help="of each identity; a number follows")
    made.add_argument("--first", type=whole(0, 999_999), default=1, help="number of the first")
    made.add_argument(
        "--count", type=whole(1, MOST_CHARGERS), required=True, help="how many chargers"
    )
    made.add_argument("--dialect", default="native", help="what they speak (default: %(default)s)")
    made.add_argument("--vendor", help="who makes them")
    about_chargers(made)
    made = command(
        factory,
        "import",
        factory_import,
        example="chargecloud factory import spring.json --key transport.key",
    )
    made.add_argument("file", metavar="FILE", help="the batch")
    made.add_argument("--key", metavar="FILE", required=True, help="the transport key's file")
