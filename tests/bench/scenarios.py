"""What is measured: one function for each scenario returns its cases. Loads that mix are in `crowds`."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from tests.bench import crowds
from tests.bench.cases import Case
from tests.bench.contestants import Contestant
from tests.bench.field import AT, Field, LedgerDisagrees, buy, came_through, prefix, statuses
from tests.bench.shop import MANY
from tests.bench.wrk import Load, Words

_PASSES_A_SECOND = 30_000
_first_accounts = count(1_000_000, 1_000_000)


def purchases(field: Field) -> list[Case]:
    """Purchases at several numbers of connections; what the web servers themselves can do at one.

    A connection sends the same head with every purchase, as a program does; the lane is also asked with ever new heads.
    """
    return [
        *(
            Case(
                who=who.name,
                title=who.title,
                condition=f"{connections:,} connections",
                fire=partial(_purchases, field, who, connections),
            )
            for connections in field.pace.connections
            for who in (*field.all, *(field.constants if connections == AT else ()))
        ),
        Case(
            who="lane",
            title="The lane",
            condition=f"ever new heads, {AT} connections",
            fire=partial(_purchases, field, field.lane, AT, new_heads=True),
        ),
    ]


def _purchases(
    field: Field, who: Contestant, connections: int, _round: int, *, new_heads: bool = False
) -> dict[str, float]:
    slug = who.open(MANY)
    values = buy(field, who, connections=connections, slug=slug, new_heads=new_heads)
    took = who.settle(slug)
    return values | ({"recorded_after_s": took} if who in field.ours else {})


def passes(field: Field) -> list[Case]:
    """Purchases of signed-in shoppers with the pass of their page: by a plain form, and by a page with its script."""
    return [
        Case(
            who=who.name,
            title=who.title,
            condition=f"{AT} connections, {way}",
            fire=partial(_with_pass, field, who, more),
        )
        for way, more in _WAYS.items()
        for who in field.ours
    ]


_WAYS: dict[str, dict[str, str | int | Path]] = {"a plain form": {}, "a fragment is written": {"htmx": 1}}


def _with_pass(field: Field, who: Contestant, more: Words, _round: int) -> dict[str, float]:
    slug = who.open(MANY)
    people = _PASSES_A_SECOND * field.pace.seconds
    forms, cookie = field.shop.write_passes(slug, people=people, first=next(_first_accounts))
    words: Words = {
        "kind": "post", "path": f"/sales/{slug}/buy", "bodies": forms, "cookies": cookie,
        "origin": f"http://localhost:{who.port}", **more,
    }  # fmt: skip
    answered, values = who.measured(Load(port=who.port, connections=AT, seconds=field.pace.seconds, words=words))
    sold = field.shop.sold(slug)
    who.settle(slug)
    forms.unlink()
    if sold < answered.requests - answered.refused:
        raise LedgerDisagrees(f"{who.title}: {answered.requests} passes were taken, and {sold} units sold.")
    return values | came_through(answered)


def sell_out(field: Field) -> list[Case]:
    """A stock sold to twice as many shoppers, each of whom asks once."""
    condition = f"{field.pace.units:,} units, {field.pace.shoppers:,} shoppers"
    return [
        Case(who=who.name, title=who.title, condition=condition, fire=partial(_sell_out, field, who))
        for who in field.all
    ]


def _sell_out(field: Field, who: Contestant, _round: int) -> dict[str, float]:
    pace = field.pace
    slug = who.open(pace.units)
    words = {"most": pace.shoppers, "sold": pace.units}
    answered = who.buying(slug=slug, prefix=prefix(), connections=AT, seconds=90, **words).run()
    who.settle(slug)
    sold = int(answered.counted or 0)
    if sold > pace.units:
        raise LedgerDisagrees(f"{who.title}: {sold} units of {pace.units} were sold.")
    if not answered.sold_seconds:
        return {"unsold": pace.units - sold, "failed": 1}
    return {
        "seconds_to_sell": answered.sold_seconds,
        "sold_per_second": sold / answered.sold_seconds,
        "seconds_to_answer_all": answered.seconds,
        "failed": 0,
    }


def refusals(field: Field) -> list[Case]:
    """Asking for a unit of a sale that is sold out."""
    sales: dict[str, str] = {}
    return [
        Case(who=who.name, title=who.title, condition="sold out", fire=partial(_refusals, field, who, sales))
        for who in field.all
    ]


def _refusals(field: Field, who: Contestant, sales: dict[str, str], _round: int) -> dict[str, float]:
    if who.name not in sales:
        sales[who.name] = who.open(1)
        said = statuses(who.buying(slug=sales[who.name], prefix=prefix(), connections=AT, seconds=1, census=1).run())
        if said.pop("200", 0) != 1 or set(said) - {"400"}:
            raise LedgerDisagrees(f"{who.title}: beside one purchase and refusals (400), the answers were {said}.")
    load = who.buying(slug=sales[who.name], prefix=prefix(), connections=AT, seconds=field.pace.seconds)
    answered, values = who.measured(load)
    return values | {"failed": answered.requests - answered.refused}


def reads(field: Field) -> list[Case]:
    """Status, look-up, panel and page; pages with and without a web session."""
    slugs: dict[str, str] = {}
    signed_in = {"cookies": str(field.shop.cookies)}
    with_look_up = [who for who in field.all if who.name != "rowlock"]
    what: tuple[tuple[str, str, dict[str, str], Sequence[Contestant]], ...] = (
        ("status, JSON", "/api/flashsale/status/{slug}", {}, field.all),
        ("look-up, JSON", "/api/flashsale/user/nobody/purchase/{slug}", {}, with_look_up),
        ("panel, a fragment", "/sales/{slug}/panel", {}, field.ours),
        ("page, nobody signed in", "/sales/{slug}/", {}, field.ours),
        ("page, signed in", "/sales/{slug}/", signed_in, field.ours),
    )
    return [
        Case(who=who.name, title=who.title, condition=condition, fire=partial(_reads, field, who, slugs, path, words))
        for condition, path, words, contestants in what
        for who in contestants
    ]


def _reads(
    field: Field, who: Contestant, slugs: dict[str, str], path: str, words: dict[str, str], _round: int
) -> dict[str, float]:
    place = "ours" if who in field.ours else who.name
    if place not in slugs:
        slugs[place] = who.open(1_000)
    load = who.reading(
        path=path.format(slug=slugs[place]), connections=AT, seconds=field.pace.seconds, key=who.key, **words
    )
    answered, values = who.measured(load)
    return values | came_through(answered)


def durability(field: Field) -> list[Case]:
    """The lane with every change on disk before it is answered, and with nothing on disk.

    The keeper rests in both cases: it would shut every sale of a ledger that keeps nothing.
    """
    return [
        Case(
            who=who,
            title=title,
            condition=f"{connections:,} connections",
            fire=partial(_durability, field, connections, on=who == "always"),
        )
        for connections in (32, AT)
        for who, title in (("always", "appendfsync always"), ("none", "no append-only file"))
    ]


def _durability(field: Field, connections: int, _round: int, *, on: bool) -> dict[str, float]:
    slug = field.lane.open(MANY)
    field.shop.rest_keeper(resting=True)  # after everything that writes into the database: it may hold its lock
    try:
        field.shop.keep_on_disk(on=on)
        values = buy(field, field.lane, connections=connections, slug=slug)
    finally:
        field.shop.keep_on_disk(on=True)
        field.shop.rest_keeper(resting=False)
    field.lane.settle(slug)
    return values


def buyers(field: Field) -> list[Case]:
    """A sale with few buyers in the ledger, and one with many. The keeper rests, or it would record them meanwhile."""
    filled: dict[int, tuple[str, float]] = {}
    return [
        Case(
            who=f"{number}",
            title="The lane",
            condition=f"{number:,} buyers before",
            fire=partial(_buyers, field, filled, number),
        )
        for number in (field.pace.few, field.pace.many)
    ]


def _buyers(field: Field, filled: dict[int, tuple[str, float]], number: int, _round: int) -> dict[str, float]:
    again = number == field.pace.many and number in filled  # a few thousand more make no difference to a million
    slug = filled[number][0] if again else field.lane.open(MANY)
    field.shop.rest_keeper(resting=True)
    try:
        size = filled[number][1] if again else field.shop.fill(slug, buyers=number)
        filled[number] = slug, size
        field.shop.wait_for_file()  # a million purchases in ten seconds are the benchmark's own doing
        return buy(field, field.lane, connections=AT, slug=slug) | {"bytes_per_buyer": size}
    finally:
        field.shop.rest_keeper(resting=False)


ALL: dict[str, Callable[[Field], list[Case]]] = {
    "durability": durability,  # first, while there is little to write down anew
    "purchases": purchases,
    "passes": passes,
    "sellout": sell_out,
    "refusals": refusals,
    "reads": reads,
    "mixed": crowds.mixed,
    "logins": crowds.logins,
    "buyers": buyers,  # last, because the keeper then has a million purchases to record
}
