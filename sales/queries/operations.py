"""What somebody who runs the shop sees of a sale: the live numbers beside the recorded ones, and whether they agree.

For the admin and the commands. Shoppers' pages have their own, cached numbers; nothing here is cached.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from sales.domain.outcomes import Outcome
from sales.domain.states import LIVE_STATES, ChangeState, LedgerState, SaleState
from sales.live import connection, ledger
from sales.live.line import LedgerUnavailable, Line, Unreadable
from sales.live.results import Snapshot
from sales.models import LedgerServer, Order, Sale, StockChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the ledger said, and when by its own clock."""

    as_of: datetime
    state: LedgerState
    epoch: int
    stock: int
    left: int
    held: int
    sold: int
    seq: int  # number of the last event
    sound: bool  # the ledger's own sum holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a sale stands, on record and in the ledger. The record was read first."""

    pk: int
    slug: str
    product: str
    state: SaleState
    opens_at: datetime
    closes_at: datetime
    time_zone: str
    stock: int
    limit: int
    epoch: int  # the record's
    recorded: int  # orders on record that are not cancelled
    offset: int  # number of the last event on record
    dead_letters: int  # events that the record refused and nobody has dealt with
    change: int  # number of the last change of stock or window that is done
    changing: str  # who asked for the change that is not done yet; nothing where none is asked
    cancelling: int  # orders cancelled on record of which the ledger has yet to be told
    live: Live | None
    why_not_live: Outcome | None  # the ledger's answer where it has no numbers; None where it was not asked

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the shop thinks of this sale."""
        return ZoneInfo(self.time_zone)

    @property
    def is_live(self) -> bool:
        """Whether the ledger is the one to ask about this sale."""
        return self.state in LIVE_STATES

    @property
    def left(self) -> int | None:
        """How many can be taken, by the ledger; of a settled sale, how many stayed. None where nobody can tell."""
        if self.live is not None:
            return self.live.left
        return self.stock - self.recorded if self.state is SaleState.SETTLED else None

    @property
    def held(self) -> int | None:
        """How many are held; None where nobody can tell."""
        if self.live is not None:
            return self.live.held
        return 0 if self.state is SaleState.SETTLED else None

    @property
    def sold(self) -> int | None:
        """How many are sold, by the ledger; of a settled sale, by the record. None where nobody can tell."""
        if self.live is not None:
            return self.live.sold
        return self.recorded if self.state is SaleState.SETTLED else None

    @property
    def backlog(self) -> int | None:
        """How many events the keeper has yet to record."""
        return None if self.live is None else max(self.live.seq - self.offset, 0)

    @property
    def unrecorded(self) -> int | None:
        """How many units are sold and not on record; less than 0 where the record has more."""
        return None if self.live is None else self.live.sold - self.recorded

    @property
    def finding(self) -> "Finding | None":
        """What does not agree; None where everything does, or where there is nothing to compare."""
        live = self.live
        if live is None:
            return None
        if live.epoch != self.epoch:
            return Finding(what="epoch", is_so=live.epoch, should_be=self.epoch)
        counted = live.left + live.held + live.sold
        if counted != live.stock or not live.sound:
            return Finding(what="sum", is_so=counted, should_be=live.stock)
        if live.stock > self.stock:
            return Finding(what="stock", is_so=live.stock, should_be=self.stock)
        explained = live.seq - self.offset + self.dead_letters + self.cancelling
        if not 0 <= live.sold - self.recorded <= explained:
            return Finding(what="recorded", is_so=self.recorded, should_be=live.sold)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Two numbers that should be one."""

    # epoch, stock: the ledger's against the record's; sum: left + held + sold; recorded: orders against units sold
    what: str
    is_so: int
    should_be: int


def standing(*, slug: str) -> Standing | None:
    """Return how this sale stands, or None if there is none of this name."""
    found = _read(Sale.objects.filter(slug=slug))
    return found[0] if found else None


def standings(*, pks: Iterable[int]) -> dict[int, Standing]:
    """Return how these sales stand, by primary key; one round trip to the ledger for all of them."""
    return {each.pk: each for each in _read(Sale.objects.filter(pk__in=list(pks)))}


def standings_in(*, states: Iterable[SaleState] = ()) -> list[Standing]:
    """Return how all sales stand, or all in these states, the latest opening first."""
    named = list(states)
    return _read(Sale.objects.filter(state__in=named) if named else Sale.objects.all())


def record_lag_ms(*, of: Standing) -> int | None:
    """Return the age of the oldest event that is not on record yet, 0 if there is none, None if nobody can tell."""
    if of.live is None:
        return None
    if not of.backlog:
        return 0
    try:
        with Line() as line:
            waiting = line.read_events({of.pk: of.offset}, count=1).get(of.pk, [])
    except LedgerUnavailable:
        return None
    if not waiting:
        return 0  # recorded while we asked
    oldest = waiting[0]
    return None if isinstance(oldest, Unreadable) else max(int(of.live.as_of.timestamp() * 1000) - oldest.time_ms, 0)


def slugs() -> list[str]:
    """Return the names of all sales."""
    return list(Sale.objects.order_by("slug").values_list("slug", flat=True))


def _read(chosen: QuerySet[Sale]) -> list[Standing]:
    """Read the record, then the ledger: so the ledger is never behind, and what it has more is on its way."""
    named = LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER)
    epoch = named.values_list("epoch", flat=True).first() or 0
    rows = list(
        chosen.select_related("product")
        .annotate(
            open_letters=Count("dead_letters", filter=Q(dead_letters__ended_at=None)),
            last_change=Coalesce(Subquery(_changes(ChangeState.DONE).order_by("-number").values("number")[:1]), 0),
            changed_by=Coalesce(Subquery(_changes(ChangeState.ASKED).values("who")[:1]), Value("")),
            to_be_cancelled=Coalesce(Subquery(_CANCELLING), 0),
        )
        .order_by("-opens_at", "-pk")
    )
    asked = [sale for sale in rows if sale.is_live]
    answers = dict(zip((sale.pk for sale in asked), _snapshots(asked), strict=True))
    return [_standing(sale, epoch, answers.get(sale.pk)) for sale in rows]


def _changes(state: ChangeState) -> QuerySet[StockChange]:
    return StockChange.objects.filter(sale=OuterRef("pk"), state=state)


_CANCELLING = (
    Order.objects.filter(sale=OuterRef("pk"), ledger_state=ChangeState.ASKED)
    .order_by()
    .values("sale")
    .annotate(count=Count("pk"))
    .values("count")
)


def _snapshots(sales: Sequence[Sale]) -> list[Snapshot]:
    return connection.run_many([ledger.snapshot(sale=sale.pk, epoch=None) for sale in sales]) if sales else []


def _standing(sale: Sale, epoch: int, said: Snapshot | None) -> Standing:
    found = said is not None and said.outcome is Outcome.FOUND
    return Standing(
        pk=sale.pk,
        slug=sale.slug,
        product=sale.product.name,
        state=SaleState(sale.state),
        opens_at=sale.opens_at,
        closes_at=sale.closes_at,
        time_zone=sale.time_zone,
        stock=sale.stock,
        limit=sale.limit,
        epoch=epoch,
        recorded=sale.recorded,
        offset=sale.stream_offset,
        dead_letters=sale.open_letters,  # type: ignore[attr-defined]
        change=sale.last_change,  # type: ignore[attr-defined]
        changing=sale.changed_by,  # type: ignore[attr-defined]
        cancelling=sale.to_be_cancelled,  # type: ignore[attr-defined]
        live=_live(said) if said is not None and found else None,
        why_not_live=said.outcome if said is not None and not found else None,
    )


def _live(said: Snapshot) -> Live:
    return Live(
        as_of=datetime.fromtimestamp(said.now_ms / 1000, UTC),
        state=LedgerState(said.state),
        epoch=said.epoch,
        stock=said.stock,
        left=said.left,
        held=said.held,
        sold=said.sold,
        seq=said.seq,
        sound=said.sound,
    )
