"""What goes wrong, as often as the scope allows, and what time and people do by themselves."""

from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.live.entries import EntryState
from tests.model import acting, keeping, promises, shopping
from tests.model.scripts import run
from tests.model.world import Keeper, Scope, Server, Step, Steps, World


def steps(scope: Scope, world: World) -> Steps:
    """Faults, scripts that run late, the hours, and the person who accepts a loss."""
    for n, call in enumerate(world.late):
        without = world._replace(late=world.late[:n] + world.late[n + 1 :])
        after, said = run(scope, without, call)
        promises.answered(world, call, said)
        yield Step(f"{call.verb} of {call.shopper or 'an admin'} runs late: {said.outcome}", after)
        if after is not without:
            yield Step(f"{call.verb} of {call.shopper or 'an admin'} was never read", without)
    if world.record.waits and not world.record.accepted:
        yield Step("a person accepts the loss", world._replace(record=world.record._replace(accepted=True)))
    if world.faults.hours and world.server.sale:
        yield Step("time passes", _later(world))
    if not world.server.is_on_disk:
        yield Step("the ledger's disk has it", world._replace(server=world.server._replace(disk=world.server.sale)))
    yield from _faults(scope, world)


def _faults(scope: Scope, world: World) -> Steps:
    if world.faults.crashes:
        yield from _crashes(scope, world)
    if world.faults.losses:
        lost = world._replace(faults=world.faults._replace(losses=world.faults.losses - 1))
        for shopper in world.shoppers:
            if shopper.call or shopper.answer:
                once_more = shopping.asks_once_more(scope, lost, shopper)
                yield Step(f"no answer reaches {shopper.name} in time: asked once more", once_more, is_fault=True)
    if world.faults.flushes and world.server.sale:
        yield Step("the ledger is flushed", _flushed(world), is_fault=True)
    if world.faults.backups and world.server.sale:
        yield from _backups(world)


def _later(world: World) -> World:
    """An hour later, by the ledger's clock."""
    server, sale = world.server, world.server.sale
    faults = world.faults._replace(hours=world.faults.hours - 1)
    later = server.with_sale(sale.at(sale.now + 1), synced=server.is_on_disk) if sale else server
    return world._replace(server=later, faults=faults)


def _crashes(scope: Scope, world: World) -> Steps:
    spent = world._replace(faults=world.faults._replace(crashes=world.faults.crashes - 1))
    if "ledger" in scope.dies:
        server = world.server
        yield Step("the ledger dies and is started again", _restarted(spent, server), is_fault=True)
    if "keeper" in scope.dies:
        for keeper in world.keepers:
            if keeper.does:
                gone = keeping.put(spent, Keeper(name=keeper.name))
                yield Step(f"{keeper.name} dies and is started again", gone, is_fault=True)
    if "admin" in scope.dies and acting.is_half_way(world.admin):
        yield Step("the admin's process dies", acting.dies(spent), is_fault=True)
    if "worker" in scope.dies:
        for shopper in world.shoppers:
            if shopper.call or shopper.answer:
                gone = shopping.gets_no_answer(spent, shopper)
                yield Step(f"the web worker of {shopper.name} dies", gone, is_fault=True)


def _restarted(world: World, found: Server) -> World:
    """The ledger server begins a new run with what its disk has; nothing that was on its way arrives."""
    server = found._replace(sale=found.disk, epoch=found.disk_epoch, run=world.server.run + 1, scripts=False)
    if server.sale and world.server.sale:
        server = server.with_sale(server.sale.at(world.server.sale.now))
    shoppers = tuple(
        each._replace(call=None, answer=None, told=Outcome.UNKNOWN) if each.call else each for each in world.shoppers
    )
    admin = world.admin
    if admin.call:
        admin = admin._replace(call=None, outcome=Outcome.UNKNOWN, epoch=admin.call.epoch)
    return world._replace(server=server, shoppers=shoppers, admin=admin, late=())


def _flushed(world: World) -> World:
    faults = world.faults._replace(flushes=world.faults.flushes - 1)
    server = world.server._replace(sale=None, disk=None)
    return world._replace(server=server, faults=faults, excused=world.excused | _unrecorded(world, None))


def _backups(world: World) -> Steps:
    if world.backup is None:
        yield Step("a backup of the ledger is taken", world._replace(backup=world.server), is_fault=True)
        return
    spent = world._replace(faults=world.faults._replace(backups=world.faults.backups - 1))
    excused = world.excused | _unrecorded(world, world.backup)
    older = _restarted(spent, world.backup)._replace(excused=excused, backup=None)
    yield Step("the ledger is started again from the backup", older, is_fault=True)


def _unrecorded(world: World, kept: Server | None) -> frozenset[UUID]:
    """Purchases that only this ledger knows."""
    sale = world.server.sale
    known = set(world.record.decided)
    if kept and kept.sale:
        known |= {slot.order for _, slot in kept.sale.taken(EntryState.BOUGHT)}
    return frozenset(slot.order for _, slot in sale.taken(EntryState.BOUGHT) if slot.order not in known) if sale else (
        frozenset()
    )  # fmt: skip
