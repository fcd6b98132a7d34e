"""The one word with which the live ledger answers, and what the words have in common.

Words for people, HTTP statuses and JSON messages are the edges' business: see `sales.answers`.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """What came of asking the ledger."""

    # Something is the shopper's.
    BOUGHT = "BOUGHT"
    HELD = "HELD"
    EXTENDED = "EXTENDED"  # held, and the one extension is used
    LET_GO = "LET_GO"
    ALREADY = "ALREADY"  # at the limit; comes with the shopper's newest order
    CANCELLED = "CANCELLED"  # this very order was bought and then cancelled by the shop

    # Refusals. They write nothing and bind nothing.
    UPCOMING = "UPCOMING"
    SOLD_OUT = "SOLD_OUT"
    ENDED = "ENDED"
    PAUSED = "PAUSED"
    LOST_HOLDS = "LOST_HOLDS"  # too many of this shopper's holds came to nothing
    GONE = "GONE"  # the hold ran out, was let go or was taken over
    NO_EXTENSION = "NO_EXTENSION"
    KEY_TAKEN = "KEY_TAKEN"  # the Idempotency-Key belongs to another shopper
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_SLOT = "UNKNOWN_SLOT"  # a slot beyond the shopper's next one: the page is older than the ledger

    # Reads, and acts of keeper and admin.
    FOUND = "FOUND"
    DONE = "DONE"
    SAME = "SAME"  # it was so already; nothing changed
    OUT_OF_ORDER = "OUT_OF_ORDER"  # another numbered change comes first, or came since
    TOO_LOW = "TOO_LOW"  # more than this stock is sold and held
    TOO_LATE = "TOO_LATE"  # the opening has been, or the new end has passed

    # The ledger cannot be believed, so it is not asked to sell.
    NO_LEDGER = "NO_LEDGER"
    STALE_EPOCH = "STALE_EPOCH"
    CORRUPT = "CORRUPT"
    NO_SCRIPT = "NO_SCRIPT"  # a restarted server that nobody has proven yet
    FULL = "FULL"  # out of memory, read-only or otherwise refusing writes; nothing was written
    UNREACHABLE = "UNREACHABLE"  # never sent
    UNKNOWN = "UNKNOWN"  # sent, but no answer came: it may have happened


UNPROVEN = frozenset({Outcome.NO_LEDGER, Outcome.STALE_EPOCH, Outcome.CORRUPT, Outcome.NO_SCRIPT})
"""The server answers, but what it holds is not proven complete."""

UNDECIDED = UNPROVEN | {Outcome.FULL, Outcome.UNREACHABLE, Outcome.UNKNOWN}
"""Neither yes nor no: 503 with Retry-After, never "sold out" and never success."""
