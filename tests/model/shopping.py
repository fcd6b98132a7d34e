"""What shoppers do, and the web workers for them: ask, wait, ask again."""

from sales.domain.outcomes import UNDECIDED, Outcome
from tests.model import promises
from tests.model.scripts import run
from tests.model.slots import Said
from tests.model.world import Call, Loose, Scope, Shopper, Step, Steps, World, in_order

VERBS = {"buy": "purchase", "confirm": "confirm", "release": "release"}


def steps(scope: Scope, world: World) -> Steps:
    """Everything that shoppers can do next, or that can happen to their requests."""
    for shopper in world.shoppers:
        if shopper.answer:
            yield Step(f"{shopper.name} reads the answer: {shopper.answer.outcome}", _reads(world, shopper))
        elif shopper.call:
            after, said = run(scope, world, shopper.call)
            promises.answered(world, shopper.call, said)
            yield Step(
                f"the ledger runs {shopper.call.verb} for {shopper.name}: {said.outcome}",
                put(after, shopper._replace(call=None, answer=said)),
            )
        elif shopper.does == "decide":
            for does in ("confirm", "release"):
                yield Step(f"{shopper.name} asks to {does} the unit held", _asks(scope, world, shopper, does))
        elif shopper.does and _may_ask(world, shopper):
            again = "" if shopper.told is None else " again"
            yield Step(f"{shopper.name} asks to {shopper.does}{again}", _asks(scope, world, shopper, shopper.does))


def reading(world: World) -> Step | None:
    """Everybody who has an answer reads it."""
    texts = []
    for shopper in world.shoppers:
        if shopper.answer:
            texts.append(f"{shopper.name} reads the answer: {shopper.answer.outcome}")
            world = _reads(world, shopper)
    return Step("; ".join(texts), world) if texts else None


def put(world: World, shopper: Shopper) -> World:
    """Put a shopper in the place of the one of that name."""
    others = world.shoppers
    return world._replace(shoppers=(*others[: shopper.number - 1], shopper, *others[shopper.number :]))


def _may_ask(world: World, shopper: Shopper) -> bool:
    """Nobody asks again before it could help: an answer that knows nothing writes nothing."""
    return shopper.told is None or world.selling is not None


def _asks(scope: Scope, world: World, shopper: Shopper, does: str) -> World:
    if does == "buy":
        shopper = shopper._replace(clicks=shopper.clicks + 1)
        shopper = shopper._replace(order=shopper.newest_order)
    call = Call(VERBS[does], world.record.epoch, shopper.name, scope.slot if does == "buy" else 0, shopper.order)
    return put(world, shopper._replace(does=does, call=call))


def asks_once_more(scope: Scope, world: World, shopper: Shopper) -> World:
    """No answer came in time: the worker tries a second time, and the first may run yet."""
    late = given_up(world.late, shopper.call)
    first = shopper.call or Call(
        VERBS[shopper.does], world.record.epoch, shopper.name, scope.slot if shopper.does == "buy" else 0, shopper.order
    )
    if Loose.NEW_ID_ON_RETRY in scope.loose and shopper.does == "buy":
        shopper = shopper._replace(clicks=shopper.clicks + 1)
        shopper = shopper._replace(order=shopper.newest_order)
    again = shopper._replace(call=first._replace(order=shopper.order), answer=None)
    return put(world._replace(late=late), again)


def given_up(late: tuple[Call, ...], call: Call | None) -> tuple[Call, ...]:
    """Scripts that nobody waits for, and one more."""
    return in_order((*late, call)) if call else late


def gets_no_answer(world: World, shopper: Shopper) -> World:
    """The worker is gone, and nobody waits for what it asked."""
    late = given_up(world.late, shopper.call)
    return put(world._replace(late=late), shopper._replace(call=None, answer=None, told=Outcome.UNKNOWN))


def _reads(world: World, shopper: Shopper) -> World:
    said = shopper.answer or Said(Outcome.UNKNOWN)
    read = shopper._replace(answer=None, told=said.outcome)
    match said.outcome:
        case outcome if outcome in UNDECIDED:
            return put(world, read)
        case Outcome.BOUGHT | Outcome.ALREADY if said.entry:
            return put(world, read._replace(does="", order=said.entry.order, unit=said.entry.unit))
        case Outcome.HELD if said.entry:
            return put(world, read._replace(does="decide", order=said.entry.order, unit=said.entry.unit))
    return put(world, read._replace(does="", order=None, unit=0))
