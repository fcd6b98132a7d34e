"""What a keeper does: prove, record, finish what is half-way, free what is due, make good what was lost.

Each step is one act on one of the two stores; what a keeper has read, it knows only itself. An idle keeper may begin
anything that there is to do, in any order: more than the real one does, which has its own.
"""

from collections.abc import Callable

from sales.domain.outcomes import Outcome
from tests.model import finishing
from tests.model import record as transactions
from tests.model.anew import made_anew
from tests.model.reference import Reference
from tests.model.scripts import run
from tests.model.world import Bought, Keeper, Loose, Scope, Step, Steps, World


def steps(scope: Scope, world: World) -> Steps:
    """The next steps of every keeper."""
    for keeper in world.keepers:
        if keeper.does:
            yield from _GOES_ON[keeper.does](scope, world, keeper)
        elif not _is_proven(world):
            yield _begins_proof(world, keeper)
        elif world.selling is None or world.selling.seq < world.record.offset:
            yield from _begins_repair(scope, world, keeper)
        else:
            yield from _begins(scope, world, keeper, world.selling)


def put(world: World, keeper: Keeper) -> World:
    """Put a keeper in the place of the one of that name."""
    return world._replace(keepers=tuple(keeper if each.name == keeper.name else each for each in world.keepers))


def read(sale: Reference, after: int) -> tuple[Bought, ...]:
    """Events of bought units behind an offset."""
    numbered = enumerate(sale.events, start=sale.before + 1)
    return tuple(
        Bought(seq, shopper, slot, unit, order)
        for seq, (what, shopper, slot, unit, order) in numbered
        if seq > after and what == "bought" and order
    )


def _reads_tail(world: World, keeper: Keeper, sale: Reference, *, then: str) -> Step:
    """What the ledger has and the record has not; `then` is what becomes of it."""
    after = world.record.offset
    tail = keeper._replace(does=then, after=after, upto=sale.seq, events=read(sale, after), epoch=world.record.epoch
    )  # fmt: skip
    return Step(f"{keeper.name} reads the tail behind event {after}", put(world, tail))


def _is_proven(world: World) -> bool:
    return world.record.proven and world.record.run == world.server.run and world.server.scripts


def _idle(keeper: Keeper) -> Keeper:
    return Keeper(name=keeper.name)


# --- While the sale sells


def _begins(scope: Scope, world: World, keeper: Keeper, sale: Reference) -> Steps:
    record = world.record
    if sale.seq > record.offset:
        reads = keeper._replace(
            does="write",
            after=record.offset,
            upto=sale.seq,
            events=read(sale, record.offset),
            epoch=record.epoch,
        )
        if Loose.MARKED_BEFORE_COMMIT in scope.loose:
            marked = world.server.with_sale(sale.mark_recorded(sale.seq))
            yield Step(f"{keeper.name} says that all is on record", put(world, reads)._replace(server=marked))
        else:
            yield Step(f"{keeper.name} reads what comes behind event {record.offset}", put(world, reads))
    elif sale.recorded < record.offset:
        yield Step(f"{keeper.name} has yet to say what is on record", put(world, keeper._replace(does="mark")))
    if any(sale.due(slot) for _, slot in sale.holds):
        yield Step(f"{keeper.name} frees what is due", world._replace(server=world.server.with_sale(sale.tick()[0])))
    if Loose.UNTOLD_FORGOTTEN in scope.loose:
        return
    # While another change is asked under its number, whoever finishes that one makes way.
    late = transactions.late(record, number=sale.change_number, stock=sale.stock) if record.asked < 0 else -1
    if late >= 0 and sale.change_number == record.last_number + 1 and Loose.LATE_FORGOTTEN not in scope.loose:
        takes_up = keeper._replace(does="end", place=late, outcome=Outcome.DONE, epoch=record.epoch)
        yield Step(f"{keeper.name} sees that the ledger took a refused change", put(world, takes_up))
    if record.asked >= 0 and record.changes[record.asked].order is None:
        yield _tells(scope, world, keeper._replace(place=record.asked))
    for order in record.orders:
        if order.asked:
            place = finishing.keeps_back(record, order.order)
            yield _tells(scope, world, keeper._replace(place=place, order=order.order))


def _tells(scope: Scope, world: World, keeper: Keeper) -> Step:
    call = finishing.call_for(world.record, place=keeper.place, order=keeper.order, said=keeper.outcome)
    if call is None:
        return Step("", world)
    after, said = run(scope, world, call)
    told = keeper._replace(does="end", outcome=said.outcome, epoch=call.epoch, stock_told=call.verb == "change")
    return Step(f"{keeper.name} tells the ledger of what is asked ({call.verb}): {said.outcome}", put(after, told))


def _ends(scope: Scope, world: World, keeper: Keeper) -> Steps:
    outcome = keeper.outcome or Outcome.UNKNOWN
    if outcome is Outcome.SAME and keeper.order and keeper.place >= 0 and not keeper.stock_told:
        yield _tells(scope, world, keeper)
        return
    after, again = finishing.end(scope, world, place=keeper.place, order=keeper.order, said=outcome, epoch=keeper.epoch)
    if again:
        yield _tells(scope, after, keeper._replace(outcome=None))
        return
    yield Step(f"{keeper.name} puts on record what came of it ({outcome})", put(after, _idle(keeper)))


def _writes(scope: Scope, world: World, keeper: Keeper) -> Steps:
    """Commit what was read, in one transaction with the offset."""
    record = world.record
    if Loose.OFFSET_FIRST in scope.loose and keeper.does == "write" and record.offset != keeper.upto:
        moved = record._replace(offset=keeper.upto)
        second = keeper._replace(after=keeper.upto)
        yield Step(f"{keeper.name} stores the offset {keeper.upto}", put(world._replace(record=moved), second))
        return
    written = transactions.write(
        record, after=keeper.after, upto=keeper.upto, events=keeper.events, epoch=keeper.epoch, loose=scope.loose
    )
    back = {"write": _idle(keeper)._replace(does="mark"), "prove-write": keeper._replace(does="prove")}
    after_it = back.get(keeper.does, keeper._replace(does="judge"))
    if written is None:
        lost = _idle(keeper) if keeper.does == "write" else after_it
        yield Step(f"{keeper.name} finds the offset moved, and writes nothing", put(world, lost))
        return
    text = f"{keeper.name} commits {len(keeper.events)} purchases and the offset {keeper.upto}"
    yield Step(text, put(world._replace(record=written), after_it))


def _marks(scope: Scope, world: World, keeper: Keeper) -> Steps:
    """Tell the ledger how far the record is."""
    sale, idle = world.selling, _idle(keeper)
    if sale is None:
        yield Step(f"{keeper.name} cannot say what is on record", put(world, idle))
        return
    dead = [(each.shopper, each.slot, each.order) for each in world.record.letters]
    marked = world.server.with_sale(sale.mark_recorded(world.record.offset, dead))
    yield Step(f"{keeper.name} tells the ledger what is on record", put(world._replace(server=marked), idle))


# --- After a restart


def _begins_proof(world: World, keeper: Keeper) -> Step:
    record, begun = world.record, put(world, keeper._replace(does="prove", run=world.server.run))
    if record.run == world.server.run:
        return Step(f"{keeper.name} goes on with the proof of this run", begun)
    raised = record._replace(epoch=record.epoch + 1, run=world.server.run, proven=False)
    return Step(f"{keeper.name} begins epoch {raised.epoch} for the new run", begun._replace(record=raised))


def _proves(scope: Scope, world: World, keeper: Keeper) -> Steps:
    server, record, sale = world.server, world.record, world.server.sale
    loads = put(world, keeper._replace(does="load"))
    if server.run != keeper.run:
        yield Step(f"{keeper.name} has lost its line: the proof starts over", put(world, _idle(keeper)))
    elif sale is None or server.epoch == record.epoch:
        yield Step(f"{keeper.name} finds {'no sale' if sale is None else 'the sale proven'}", loads)
    elif Loose.NO_PROOF in scope.loose or sale.seq == record.offset:
        stamped = loads._replace(server=server.in_epoch(record.epoch))
        yield Step(f"{keeper.name} moves the sale into epoch {record.epoch}", stamped)
    elif sale.seq < record.offset:
        fenced = loads._replace(server=server.in_epoch(-1))
        yield Step(f"{keeper.name} shuts the sale: the record has seen more", fenced)
    else:
        yield _reads_tail(world, keeper, sale, then="prove-write")


def _loads(_scope: Scope, world: World, keeper: Keeper) -> Steps:
    if world.server.run != keeper.run:
        yield Step(f"{keeper.name} has lost its line: the proof starts over", put(world, _idle(keeper)))
        return
    server = world.server._replace(scripts=True)
    says = put(world._replace(server=server), keeper._replace(does="say"))
    yield Step(f"{keeper.name} loads the scripts", says)


def _says(_scope: Scope, world: World, keeper: Keeper) -> Steps:
    is_ours = world.record.run == keeper.run
    record = world.record._replace(proven=True) if is_ours else world.record
    yield Step(f"{keeper.name} says that this run is proven", put(world._replace(record=record), _idle(keeper)))


# --- After a loss


def _begins_repair(scope: Scope, world: World, keeper: Keeper) -> Steps:
    record, server = world.record, world.server
    if Loose.NO_FENCE in scope.loose and server.sale is None:
        sale = scope.publish(stock=record.stock)
        yield Step(f"{keeper.name} publishes the sale again", world._replace(server=server.with_sale(sale)))
        return
    is_leased = any(each.does in _REPAIRS for each in world.keepers)
    if is_leased or (record.waits and not record.accepted):
        return
    shut = server if server.sale is None else server.in_epoch(-1)
    judges = keeper._replace(does="judge", run=server.run)
    yield Step(f"{keeper.name} shuts the sale for a repair", put(world._replace(server=shut), judges))


def _judges(scope: Scope, world: World, keeper: Keeper) -> Steps:
    record, sale = world.record, world.server.sale
    if world.server.run != keeper.run:
        yield Step(f"{keeper.name} has lost its line", put(world, _idle(keeper)))
    elif sale is not None and sale.seq > record.offset:
        yield _reads_tail(world, keeper, sale, then="judge-write")
    elif sale is not None and sale.seq == record.offset:
        stamped = world._replace(server=world.server.in_epoch(record.epoch))
        yield Step(f"{keeper.name} finds it complete", put(stamped, _idle(keeper)))
    elif scope.waits_on_loss and not record.accepted:
        waits = world._replace(record=record._replace(waits=True))
        yield Step(f"{keeper.name} finds a loss, and asks a person", put(waits, _idle(keeper)))
    else:
        loss = keeper._replace(does="raise", stock=record.stock)
        yield Step(f"{keeper.name} finds a loss; the sale's row has a stock of {record.stock}", put(world, loss))


def _raises(scope: Scope, world: World, keeper: Keeper) -> Steps:
    """Begin the epoch of what is made anew: whoever was about to write in the old one is refused from then on."""
    record = world.record._replace(epoch=world.record.epoch + 1)
    next_ = "draft" if Loose.ROW_BEFORE_EPOCH in scope.loose else "row"
    raised = put(world._replace(record=record), keeper._replace(does=next_, epoch=record.epoch))
    yield Step(f"{keeper.name} begins epoch {record.epoch}", raised)


def _reads_row(_scope: Scope, world: World, keeper: Keeper) -> Steps:
    row = keeper._replace(does="draft", stock=world.record.stock, place=world.record.last_number)
    yield Step(f"{keeper.name} reads the sale's row and its last change: a stock of {row.stock}", put(world, row))


def _drafts(scope: Scope, world: World, keeper: Keeper) -> Steps:
    old, record = world.server.sale, world.record
    number = keeper.place if keeper.place >= 0 else record.last_number
    draft = made_anew(scope, record, stock=keeper.stock, number=number, believed=old)
    installs = keeper._replace(does="install", draft=draft)
    yield Step(f"{keeper.name} reads the orders, and makes the ledger anew", put(world, installs))


def _installs(_scope: Scope, world: World, keeper: Keeper) -> Steps:
    server, idle = world.server, _idle(keeper)
    if server.run != keeper.run or keeper.draft is None or (server.sale is not None and server.epoch >= keeper.epoch):
        yield Step(f"{keeper.name} was overtaken", put(world, idle))
        return
    installed = server.with_sale(keeper.draft).in_epoch(keeper.epoch)
    record = world.record._replace(waits=False, accepted=False)
    yield Step(f"{keeper.name} puts it in place", put(world._replace(server=installed, record=record), idle))


_REPAIRS = frozenset({"judge", "judge-write", "raise", "row", "draft", "install"})

_GOES_ON: dict[str, Callable[[Scope, World, Keeper], Steps]] = {
    "write": _writes,
    "prove-write": _writes,
    "judge-write": _writes,
    "mark": _marks,
    "end": _ends,
    "prove": _proves,
    "load": _loads,
    "say": _says,
    "judge": _judges,
    "raise": _raises,
    "row": _reads_row,
    "draft": _drafts,
    "install": _installs,
}
