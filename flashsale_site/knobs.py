"""What a knob is: one thing that an installation may set. The knobs themselves are in `environment`."""

from dataclasses import dataclass, field

from flashsale_site.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One variable of the environment.

    `default` and `demo` are texts, read like any other; a site in demo mode takes `demo` where there is one.
    `required` knobs have no default in production.
    """

    name: str
    kind: Kind[object]
    default: str
    demo: str | None
    required: bool
    whose: str
    what: str

    def fallback(self, *, is_demo: bool) -> str:
        """Return the text that stands in when nobody set the knob."""
        return self.demo if is_demo and self.demo is not None else self.default


def knob[T](
    kind: Kind[T], *, what: str, whose: str, default: str = "", demo: str | None = None, required: bool = False
) -> T:
    """Declare a field of `Environment` as a knob: its name in capitals is the variable's name."""
    said = {"kind": kind, "default": default, "demo": demo, "required": required, "whose": whose, "what": what}
    made: T = field(metadata={"knob": said})
    return made
