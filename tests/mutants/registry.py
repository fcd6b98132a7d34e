"""The list of mistakes: what each changes, and the tests that have to notice."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sales.live import scripts
from tests.mutants.mistake import Mutant
from tests.mutants.of_record import OF_RECORD


def in_script(*names: str, old: str, new: str) -> Callable[[], None]:
    """Change the text of ledger scripts (all, where none is named), prelude included, wherever `old` stands."""

    def make() -> None:
        chosen = names or tuple(scripts.LEDGER_SCRIPTS)
        changed = 0
        for name in chosen:
            script = scripts.LEDGER_SCRIPTS[name]
            changed += script.text.count(old)
            scripts.LEDGER_SCRIPTS[name] = replace(script, text=script.text.replace(old, new))
        if not changed:
            raise LookupError(f"No script has the line {old!r} any more: this mistake cannot be made.")

    return make


def record_goes(*, first: bool) -> Callable[[], None]:
    """Let every change of stock go on record first, or every one into the ledger first."""

    def make() -> None:
        models = importlib.import_module("sales.models")  # only now: Django is not ready before
        models.StockChange.raises_stock = property(lambda _change: first)

    return make


def in_service(name: str, function: str, instead: Callable[..., Any]) -> Callable[[], None]:
    """Put something else in the place of a function of `sales.services`."""

    def make() -> None:
        service = importlib.import_module(f"sales.services.{name}")
        if not hasattr(service, function):
            raise LookupError(f"There is no {name}.{function} any more: this mistake cannot be made.")
        setattr(service, function, instead)

    return make


def both(*makes: Callable[[], None]) -> Callable[[], None]:
    """Make several changes that are one mistake."""

    def make() -> None:
        for each in makes:
            each()

    return make


MODEL = ("tests/model/test_machine.py", "tests/model/test_changes.py")
CHANGES = (
    "tests/services/test_changing.py",
    "tests/services/test_changes_half_way.py",
    "tests/services/test_cancelling_half_way.py",
    "tests/model/test_changes.py",
)
LIVE = ("tests/live",)
BOTH = (*LIVE, *MODEL)
TOGETHER = ("tests/live/test_together.py", MODEL[0])

MUTANTS = (
    Mutant(
        "no-already-check",
        "the limit is not asked",
        MODEL,
        in_script("purchase", old="if counted >= sale.limit then", new="if false then"),
    ),
    Mutant(
        "stock-off-by-one",
        "> for >= on stock",
        MODEL,
        in_script("purchase", old="if left(sale) <= 0 then return", new="if left(sale) < 0 then return"),
    ),
    Mutant(
        "opens-early",
        "> for >= on the opening",
        LIVE,
        in_script("purchase", old="sale.now < sale.opens_ms", new="sale.now <= sale.opens_ms"),
    ),
    Mutant(
        "ends-late",
        "> for >= on the end",
        LIVE,
        in_script("purchase", old="sale.now >= sale.closes_ms", new="sale.now > sale.closes_ms"),
    ),
    Mutant(
        "clock-goes-back",
        "the stored clock is not looked at",
        MODEL,
        in_script(old="math.max(time[1] * 1000 + math.floor(time[2] / 1000), sale.clock_ms)", new="time[1] * 1000"),
    ),
    Mutant(
        "event-dropped",
        "a change writes no event",
        BOTH,
        in_script("confirm", old="if not emit(sale, events, 'bought', shopper, entry, sale.now)", new="if false"),
    ),
    Mutant(
        "epoch-not-asked",
        "the epoch is not compared",
        MODEL,
        in_script(old="if epoch and sale.epoch ~= n(epoch)", new="if false"),
    ),
    Mutant(
        "refusal-writes",
        "a refusal stores the clock",
        LIVE,
        in_script(
            "purchase",
            old="if left(sale) <= 0 then return",
            new="if left(sale) <= 0 then redis.call('HSET', meta, 'clock_ms', sale.now) return",
        ),
    ),
    Mutant(
        "due-not-left",
        "a hold that is due is not counted as left",
        MODEL,
        in_script(
            old="local function left(sale) return sale.stock - sale.sold - sale.held + sale.due end",
            new="local function left(sale) return sale.stock - sale.sold - sale.held end",
        ),
    ),
    Mutant(
        "takeover-by-returned",
        "whether to take a hold over is decided by the numbers given back",
        BOTH,
        in_script(
            "purchase",
            old="elseif sale.stock - sale.sold - sale.held <= 0 then",
            new="elseif sale.returned == 0 and sale.next_unit > sale.stock then",
        ),
    ),
    Mutant(
        "takeover-by-next-unit",
        "whether to take a hold over is decided by the next number",
        BOTH,
        in_script(
            "purchase",
            old="elseif sale.stock - sale.sold - sale.held <= 0 then",
            new="elseif sale.next_unit > sale.stock then",
        ),
    ),
    Mutant(
        "retry-by-slot",
        "a retry is not known by its order id",
        MODEL,
        in_script("purchase", old="if entry.order == order then return", new="if false then return"),
    ),
    Mutant(
        "recorded-goes-back",
        "recorded_seq is lowered",
        MODEL,
        in_script("mark_recorded", old="if seq > sale.recorded_seq then", new="if true then"),
    ),
    Mutant(
        "check-after-write",
        "the entry is written before its event",
        LIVE,
        in_script(
            "purchase",
            old="if not emit(sale, events, held and 'held' or 'bought', shopper, entry, sale.now) then",
            new="entry.seq = 0 write_entry(sale, shopper, entry) store_entries(sale, shoppers)\n"
            "if not emit(sale, events, held and 'held' or 'bought', shopper, entry, sale.now) then",
        ),
    ),
    Mutant(
        "forgotten-in-a-command",
        "a purchase does not know what the same shopper took before it in the same command",
        TOGETHER,
        in_script("purchase", old="\n  entries[slot] = entry\n", new="\n"),
    ),
    Mutant(
        "freed-twice-in-a-command",
        "a hold that was freed still counts as due for the rest of the command",
        TOGETHER,
        in_script(
            old="entry.state, entry.lost, entry.due = 'g', entry.lost + 1, false",
            new="entry.state, entry.lost = 'g', entry.lost + 1",
        ),
    ),
    Mutant(
        "taken-over-as-it-was",
        "what a command did to a shopper's entries is not looked at when a hold is taken over",
        TOGETHER,
        in_script("purchase", old="entries and entries[entry.slot] or entry", new="entry"),
    ),
    Mutant(
        "stored-if-all-went-well",
        "what was taken is stored only if the last purchase of the command is not corrupt",
        TOGETHER,
        in_script("purchase", old="sale.seq > seq_before", new="answers[#answers - 7] ~= 'CORRUPT'"),
    ),
    Mutant(
        "deadline-inclusive",
        "a hold can be confirmed at its deadline",
        LIVE,
        in_script(old="entry.at <= sale.now or false", new="entry.at < sale.now or false"),
    ),
    Mutant(
        "key-of-anybody",
        "a key answers whoever uses it",
        MODEL,
        in_script("purchase", old="if owner ~= shopper then", new="if false then"),
    ),
    Mutant(
        "lost-holds-free",
        "holds that came to nothing are not counted",
        BOTH,
        in_script("purchase", old="lost >= MOST_LOST_HOLDS", new="false"),
    ),
    Mutant(
        "extension-again",
        "a hold can be extended again and again",
        BOTH,
        in_script("extend", old="if entry.state == 'e' then", new="if false then"),
    ),
    Mutant(
        "change-not-numbered",
        "a stock change is taken out of order",
        MODEL[::-1],
        in_script("change", old="if sale.change ~= number - 1 then", new="if false then"),
    ),
    Mutant(
        "stock-below-sold",
        "stock is lowered below what is sold",
        BOTH,
        in_script("change", old="if stock < sale.sold + sale.held then", new="if false then"),
    ),
    Mutant(
        "kept-back-lost",
        "a unit that is kept back does not lower stock",
        MODEL[::-1],
        in_script("cancel", old="sale.stock = sale.stock - 1", new="sale.stock = sale.stock"),
    ),
    Mutant(
        "late-state",
        "a late state change undoes a newer one",
        MODEL,
        in_script("set_state", old="if sale.state_number >= number then", new="if false then"),
    ),
    Mutant(
        "stock-raised-ledger-first",
        "stock is raised in the ledger before the record",
        CHANGES,
        record_goes(first=False),
    ),
    Mutant(
        "stock-lowered-record-first", "stock is lowered on record before the ledger", CHANGES, record_goes(first=True)
    ),
    Mutant(
        "cancel-twice-frees-two",
        "an order that is cancelled already is cancelled again",
        CHANGES,
        both(
            in_script("cancel", old="if entry.state == 'c' or entry.state == 'x' then", new="if false then"),
            in_script("cancel", old="if entry.state ~= 'b' and entry.state ~= 'u' then", new="if false then"),
        ),
    ),
    Mutant(
        "change-known-by-number",
        "a number that comes again with other values is taken for the change that was",
        CHANGES,
        in_script("change", old=" and stock == sale.stock and not opens_moves and not closes_moves then", new=" then"),
    ),
    Mutant(
        "late-change-forgotten",
        "a change that the ledger took after it was refused stays refused",
        CHANGES,
        in_service("asking", "_late", lambda **_: None),
    ),
    Mutant(
        "window-in-the-past",
        "an opening that has been is moved, or an end into the past",
        LIVE,
        in_script(
            "change", old="if opens_moves and math.min(opens_ms, sale.opens_ms) <= sale.now", new="if false and true"
        ),
    ),
    Mutant(
        "install-over-newer",
        "a repair that was overtaken puts its keys in place all the same",
        ("tests/services/test_repairs.py",),
        in_script("install", old="if standing_epoch >= epoch then", new="if false then"),
    ),
    Mutant(
        "not-fenced",
        "a sale that is not to be believed is not shut in its own numbers",
        ("tests/services/test_fencing.py", "tests/services/test_losses.py"),
        in_script("fence", old="redis.call('HSET', meta, 'epoch', -1)", new=""),
    ),
    Mutant(
        "row-read-before-epoch",
        "a ledger is made anew with the stock that was read before its epoch began",
        ("tests/services/test_changes_and_repairs.py",),
        in_service(
            "reconciling",
            "_read_again",
            lambda sale: importlib.import_module("sales.services.asking").last_number(sale_pk=sale.pk),
        ),
    ),
    Mutant(
        "written-in-any-epoch",
        "a keeper that slept writes what it read before another epoch began",
        ("tests/services/test_recording.py",),
        in_service("recording", "_refuse_if_over", lambda _within: None),
    ),
    *OF_RECORD,
)
