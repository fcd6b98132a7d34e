"""The states of a sale, an order and a change on record, and which may follow which."""

from enum import StrEnum


class SaleState(StrEnum):
    """Where a sale stands on record. Draft is private; the others are public."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"


class LedgerState(StrEnum):
    """What the live ledger knows of it. The window is a matter of its own."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


FOLLOWERS: dict[SaleState, frozenset[SaleState]] = {
    SaleState.DRAFT: frozenset({SaleState.PUBLISHED}),
    SaleState.PUBLISHED: frozenset({SaleState.PAUSED, SaleState.CLOSED}),
    SaleState.PAUSED: frozenset({SaleState.PUBLISHED, SaleState.CLOSED}),
    SaleState.CLOSED: frozenset({SaleState.SETTLED}),
    SaleState.SETTLED: frozenset(),
}

LIVE_STATES = frozenset({SaleState.PUBLISHED, SaleState.PAUSED, SaleState.CLOSED})
"""States in which the live ledger answers for the sale; a settled sale is answered from the record."""

IN_LEDGER: dict[SaleState, LedgerState] = {
    SaleState.PUBLISHED: LedgerState.OPEN,
    SaleState.PAUSED: LedgerState.PAUSED,
    SaleState.CLOSED: LedgerState.CLOSED,
}


class OrderState(StrEnum):
    """Where an order stands on record."""

    RECORDED = "recorded"
    CANCELLED = "cancelled"


class ChangeState(StrEnum):
    """Where a change stands that takes record and ledger, such as one of stock. Asked is on record, and not done."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
