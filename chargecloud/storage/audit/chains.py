"""The chains of postings, gone through from their beginnings."""

from collections.abc import Iterator, Mapping

from sqlalchemy import BigInteger, Connection, or_, select, type_coerce

from chargecloud.domain.chain import Head, chained
from chargecloud.storage.audit.reading import ChainOf, each
from chargecloud.storage.schema import ledger_heads, postings

_PLACE = (postings.c.tenant_id, postings.c.node, postings.c.seq)
_ROW = (
    *_PLACE,
    postings.c.id,
    # as it is kept, without a turn through a datetime
    type_coerce(postings.c.at, BigInteger).label("at"),
    postings.c.debit_kind,
    postings.c.debit_owner_id,
    postings.c.credit_kind,
    postings.c.credit_owner_id,
    postings.c.amount_fen,
    postings.c.cause,
    postings.c.reference_id,
    postings.c.digest,
)


def read_heads(connection: Connection) -> dict[ChainOf, Head]:
    """Where the chains end, by tenant and node."""
    found = select(ledger_heads).order_by(ledger_heads.c.tenant_id, ledger_heads.c.node)
    return {
        (row.tenant_id, row.node): Head(row.seq, row.digest) for row in connection.execute(found)
    }


def chain_faults(connection: Connection, kept: Mapping[ChainOf, Head]) -> Iterator[str]:
    """
    Postings that are not as they were written, and chains that do not end where they did.

    @param kept: ends that were kept elsewhere: each chain must have come by there.
    """
    columns = (*_PLACE, postings.c.digest)
    unchained = or_(*(column.is_(None) for column in columns))
    for posting_id in connection.execute(select(postings.c.id).where(unchained)).scalars():
        yield f"posting {posting_id} is in no chain"
    written = read_heads(connection)
    missing = dict(kept)
    of: ChainOf | None = None
    head = Head()
    for row in each(connection, select(*_ROW).where(~unchained).order_by(*_PLACE)):
        # taken apart by place: by name it takes three times as long, and there are millions
        tenant_id, node, seq, posting_id, *written_there, kept_digest = row
        if of != (tenant_id, node):
            yield from _end_faults(of, head, written)
            of, head = (tenant_id, node), Head()
        if seq != head.seq + 1:
            what = f"{_named(of)}: posting {posting_id} is number {seq}"
            yield f"{what}, and follows number {head.seq}"
        else:
            digest = _digest(head, of, seq, posting_id, *written_there)
            if digest != kept_digest:
                yield (
                    f"posting {posting_id}, number {seq} of {_named(of)}: its digest is "
                    f"{kept_digest.hex()}, what is written there comes to {digest.hex()}"
                )
        # from here on it is taken as it is: each fault is told once
        head = Head(seq, kept_digest)
        if missing and of in missing and missing[of].seq == seq:
            was = missing.pop(of).digest
            if was != kept_digest:
                yield (
                    f"{_named(of)}: number {seq} has the digest {kept_digest.hex()}, "
                    f"the head that was kept says {was.hex()}"
                )
    yield from _end_faults(of, head, written)
    for chain_of, end in written.items():
        yield f"{_named(chain_of)}: it was to end with number {end.seq}, and has no posting"
    for chain_of, end in missing.items():
        if end.seq:
            yield f"{_named(chain_of)}: there is no number {end.seq}, of which a head was kept"


def _end_faults(of: ChainOf | None, head: Head, written: dict[ChainOf, Head]) -> Iterator[str]:
    if of is None:
        return
    end = written.pop(of, Head())
    if end != head:
        yield (
            f"{_named(of)}: it was to end with number {end.seq} and the digest "
            f"{end.digest.hex()}, and ends with number {head.seq} and {head.digest.hex()}"
        )


def _digest(
    before: Head,
    of: ChainOf,
    seq: int,
    posting_id: int,
    at_ms: int,
    debit_kind: str,
    debit_owner_id: int,
    credit_kind: str,
    credit_owner_id: int,
    amount_fen: int,
    cause: str,
    reference_id: int,
) -> bytes:
    return chained(
        before.digest,
        *of,
        seq,
        posting_id,
        at_ms,
        (debit_kind, debit_owner_id),
        (credit_kind, credit_owner_id),
        amount_fen,
        cause,
        reference_id,
    )


def _named(of: ChainOf | None) -> str:
    assert of is not None
    return f"the chain of tenant {of[0]} at node {of[1]}"
