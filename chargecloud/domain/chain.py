"""The chain of postings: each carries a digest of itself and of all before it.

There is one chain for each tenant and node, as a node's writer knows what it wrote last.  Whoever
changes, takes out, slips in or swaps postings has to write all digests after them anew, and then
the chain ends in another digest than the one that somebody else has kept.
"""

from hashlib import sha256

from attrs import frozen

#: what the first posting of a chain is chained to
GENESIS = bytes(32)


@frozen
class Head:
    """
    Where a chain ends.

    @ivar seq: how many postings it has.
    @ivar digest: of them all, 32 bytes.
    """

    seq: int = 0
    digest: bytes = GENESIS


def chained(
    before: bytes,
    tenant_id: int,
    node: int,
    seq: int,
    posting_id: int,
    at_ms: int,
    debit: tuple[str, int],
    credit: tuple[str, int],
    amount_fen: int,
    cause: str,
    reference_id: int,
) -> bytes:
    """
    What a chain comes to with one more posting: SHA-256 of the digest before and of the posting
    as text, its numbers in decimal with blanks between them, then its words, each after a NUL,
    which no word has.

    @param debit: kind and owner of the account, as is C{credit}.
    """
    numbers = (
        f"{tenant_id} {node} {seq} {posting_id} {at_ms} {debit[1]} {credit[1]} "
        f"{amount_fen} {reference_id}"
    )
    text = f"{numbers}\0{debit[0]}\0{credit[0]}\0{cause}"
    return sha256(before + text.encode()).digest()
