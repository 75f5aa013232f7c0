"""The books: gone through, and where their chains end."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chargecloud.cli.opening import current, read_setup
from chargecloud.cli.parsing import command
from chargecloud.domain.chain import Head
from chargecloud.domain.errors import Invalid
from chargecloud.storage.audit import ChainOf, ledger_faults, read_heads
from chargecloud.storage.engine import at_one_moment


def ledger_verify(arguments: argparse.Namespace) -> int:
    """Go through the books and name everything in which they contradict themselves: postings that
    were changed, taken out or slipped in, balances, holds and orders, bills and what was paid for
    them, payments and refunds.  The service may go on meanwhile.  The exit status is 1 if there is
    anything."""
    kept = None if arguments.since_head is None else _read_heads(arguments.since_head)
    setup = read_setup(arguments)
    count = 0
    with current(setup) as engine, at_one_moment(engine).connect() as connection:
        for fault in ledger_faults(connection, kept):
            count += 1
            print(fault)
    print(f"{count} faults" if count else "the books are sound")
    return 1 if count else 0


def ledger_head(arguments: argparse.Namespace) -> int:
    """Print where each chain of postings ends: tenant, node, number and digest.  Keep it where
    those who can write the database cannot: `ledger verify --since-head` then shows whether
    anything before it was changed since, by whomever."""
    with current(read_setup(arguments)) as engine, engine.connect() as connection:
        for (tenant_id, node), head in read_heads(connection).items():
            print(f"{tenant_id} {node} {head.seq} {head.digest.hex()}")
    return 0


def _read_heads(path: str) -> dict[ChainOf, Head]:
    text = sys.stdin.read() if path == "-" else Path(path).read_text()
    return dict(_heads(path, text.splitlines()))


def _heads(path: str, lines: Iterable[str]) -> Iterable[tuple[ChainOf, Head]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            tenant_id, node, seq, digest = line.split()
            yield (int(tenant_id), int(node)), Head(int(seq), bytes.fromhex(digest))
        except ValueError:
            what = "must be tenant, node, number and digest, as `ledger head` prints them"
            raise Invalid(f"{path}, line {number}: {what}") from None


def ledger_commands(ledger: Any) -> None:
    """C{ledger verify|head}."""
    made = command(ledger, "verify", ledger_verify, example="chargecloud ledger verify")
    made.add_argument(
        "--since-head",
        metavar="FILE",
        help="what `ledger head` printed then (-: from the standard input): each chain must still "
        "come by there",
    )
    command(ledger, "head", ledger_head, example="chargecloud ledger head")
