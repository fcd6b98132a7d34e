"""What an admin does, act by act: restock, or cancel an order, with its unit back on sale or kept back."""

from sales.domain.outcomes import Outcome
from tests.model import finishing
from tests.model import record as transactions
from tests.model.scripts import run
from tests.model.shopping import given_up
from tests.model.world import Admin, Call, Loose, Scope, Step, Steps, World


def steps(scope: Scope, world: World) -> Steps:
    """The admin's next steps."""
    admin = world.admin
    if admin.call:
        after, said = run(scope, world, admin.call)
        told = admin._replace(call=None, outcome=said.outcome, epoch=admin.call.epoch)
        yield Step(f"the ledger runs {_words(admin.call)} for the admin: {said.outcome}", after._replace(admin=told))
    elif admin.outcome:
        yield _ends(scope, world)
    elif admin.todo and admin.todo[0][0] == "restock":
        yield _restocks(scope, world)
    elif admin.todo:
        yield from _cancels(scope, world)


def is_half_way(admin: Admin) -> bool:
    """Whether the process can die between two sides."""
    return admin.call is not None or admin.outcome is not None


def dies(world: World) -> World:
    """The process dies; a script that it has sent may run yet."""
    return world._replace(late=given_up(world.late, world.admin.call), admin=Admin(todo=world.admin.todo))


def _restocks(scope: Scope, world: World) -> Step:
    (_, by), *rest = world.admin.todo
    to = world.record.stock + by
    asked = transactions.ask(world.record, to=to, loose=scope.loose)
    if asked is None:
        return Step("the admin is refused: a change is open", world._replace(admin=Admin(todo=tuple(rest))))
    place = len(asked.changes) - 1
    admin = Admin(todo=tuple(rest), place=place, call=finishing.call_for(asked, place=place, order=None))
    return Step(f"the admin asks on record for a stock of {to}", world._replace(record=asked, admin=admin))


def _cancels(scope: Scope, world: World) -> Steps:
    (_, kept_back), *rest = world.admin.todo
    todo = tuple(rest)
    for order in world.record.orders:
        if order.cancelled:
            continue
        words = f"{order.shopper}'s order of unit {order.unit}" + (", kept back" if kept_back else "")
        if Loose.CANCELLED_LEDGER_FIRST in scope.loose:
            call = Call("cancel", world.record.epoch, order.shopper, order.slot, order.order)
            yield Step(
                f"the admin cancels {words}", world._replace(admin=Admin(todo=todo, order=order.order, call=call))
            )
            continue
        record = transactions.cancel(world.record, order.order, kept_back=bool(kept_back), loose=scope.loose)
        if record is None:
            yield Step("the admin is refused: a change is open", world._replace(admin=Admin(todo=todo)))
            continue
        place = finishing.keeps_back(record, order.order)
        call_ = finishing.call_for(record, place=place, order=order.order)
        admin = Admin(todo=todo, place=place, order=order.order, call=call_)
        yield Step(f"the admin cancels {words}, on record", world._replace(record=record, admin=admin))


def _ends(scope: Scope, world: World) -> Step:
    admin, record = world.admin, world.record
    outcome = admin.outcome or Outcome.UNKNOWN
    done = Admin(todo=admin.todo)
    if admin.order and Loose.CANCELLED_LEDGER_FIRST in scope.loose:
        record = transactions.cancel(record, admin.order, kept_back=False, loose=scope.loose) or record
        record = transactions.cancel_told(record, admin.order)
        return Step("the admin cancels it on record, too", world._replace(record=record, admin=done))
    if outcome is Outcome.SAME and admin.order and admin.place >= 0 and not admin.stock_told:
        call = finishing.call_for(record, place=admin.place, order=admin.order, said=outcome)
        return Step(
            "the admin tells the ledger of the stock, too",
            world._replace(admin=admin._replace(call=call, outcome=None, stock_told=True)),
        )
    after, again = finishing.end(scope, world, place=admin.place, order=admin.order, said=outcome, epoch=admin.epoch)
    if again:
        call = finishing.call_for(after.record, place=admin.place, order=admin.order)
        done = admin._replace(call=call, outcome=None)
    return Step(f"the admin puts on record what came of it ({outcome})", after._replace(admin=done))


def _words(call: Call) -> str:
    return f"{call.verb} {call.number} to {call.stock}" if call.verb == "change" else call.verb
