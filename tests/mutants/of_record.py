"""Mistakes around the record: its constraints, its transactions, and the connection's second try."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from tests.mutants.mistake import Mutant

RECORDING = ("tests/services/test_dead_letters.py", "tests/services/test_recording.py")
KEEPERS = ("tests/races/test_two_keepers.py",)
CONNECTION = ("tests/live/test_connection.py",)


def constraint(model: str, name: str, *, instead: Callable[[Any], Any] | None = None) -> Callable[[], None]:
    """Drop a constraint of the test database once it is made, or put another one in its place."""

    def make() -> None:
        from django.db import connection  # noqa: PLC0415 (Django is not ready before)
        from django.db.models.signals import post_migrate  # noqa: PLC0415

        done: list[bool] = []

        def change(**_: Any) -> None:
            from sales import models  # noqa: PLC0415

            if done:
                return
            table = getattr(models, model)
            found = [each for each in table._meta.constraints if each.name == name]
            if not found:
                raise LookupError(f"{model} has no constraint {name} any more: this mistake cannot be made.")
            # SQLite makes the table anew from what the model says at that moment.
            table._meta.constraints = [each for each in table._meta.constraints if each.name != name]
            with connection.schema_editor() as editor:
                editor.remove_constraint(table, found[0])
                if instead:
                    table._meta.constraints.append(instead(found[0]))
                    editor.add_constraint(table, table._meta.constraints[-1])
            done.append(True)

        post_migrate.connect(change, weak=False)

    return make


def _without_condition(found: Any) -> Any:
    from django.db.models import UniqueConstraint  # noqa: PLC0415

    return UniqueConstraint(fields=found.fields, name=found.name)


def _no_transaction() -> None:
    from sales.services import recording  # noqa: PLC0415

    vars(recording)["transaction"] = SimpleNamespace(atomic=nullcontext)


def _ignore_conflicts() -> None:
    from sales.models import Order  # noqa: PLC0415
    from sales.services import inserting  # noqa: PLC0415

    def careless(rows: Any) -> None:
        Order.objects.bulk_create(
            [Order(**dict(zip(inserting._OWN, own, strict=True)), **rows.shared) for own in rows.own],
            ignore_conflicts=True,
        )

    vars(inserting)["insert"] = careless


def _bring_scripts() -> None:
    from sales.domain.outcomes import Outcome  # noqa: PLC0415
    from sales.live import connection  # noqa: PLC0415

    def attempt(call: Any) -> Any:
        reply = connection._ask_all(call.server, [call])[0]
        return connection._ask_all(call.server, [call], with_text=True)[0] if reply is Outcome.NO_SCRIPT else reply

    connection._attempt = attempt


def _new_order_id() -> None:
    from sales.live import connection  # noqa: PLC0415
    from sales.live.entries import write_order_id  # noqa: PLC0415

    attempt = connection._attempt

    def careless(call: Any) -> Any:
        if call.script.name == "purchase":
            args = list(call.args)
            args[2] = write_order_id(uuid4())
            call = call._replace(args=tuple(args))
        return attempt(call)

    connection._attempt = careless


OF_RECORD = (
    Mutant("offset-outside-transaction", "the offset is stored before the orders", KEEPERS, _no_transaction),
    Mutant("ignore-conflicts", "orders are inserted with ignore_conflicts", RECORDING, _ignore_conflicts),
    Mutant(
        "recorded-above-stock",
        "the CHECK that recorded is within stock is dropped",
        RECORDING,
        constraint("Sale", "sale_recorded_within_stock"),
    ),
    Mutant("unit-twice", "one unit may have two orders", RECORDING, constraint("Order", "order_unit_once_per_sale")),
    Mutant("slot-twice", "one slot may have two orders", RECORDING, constraint("Order", "order_slot_once_per_shopper")),
    Mutant(
        "unit-of-cancelled-stays",
        "UNIQUE(sale, unit) counts cancelled orders, too",
        ("tests/services/test_cancelling.py", "tests/services/test_recording.py"),
        constraint("Order", "order_unit_once_per_sale", instead=_without_condition),
    ),
    Mutant("script-brought-along", "a web process loads a script that is missing", CONNECTION, _bring_scripts),
    Mutant(
        "retry-with-new-id",
        "the second try has an order id of its own",
        CONNECTION,
        _new_order_id,
    ),
)
