"""Loads of several kinds at once: buyers beside visitors and polls, and beside people who sign in."""

import http.client
import re
from contextlib import closing
from functools import partial
from urllib.parse import urlencode

from tests.bench import shop as our_shop
from tests.bench.cases import Case
from tests.bench.contestants import Contestant
from tests.bench.field import AT, Field, came_through, check_sold, prefix
from tests.bench.shop import MANY, PASSWORD, PEOPLE
from tests.bench.wrk import Answered, Load, LoadFailed, Words

BUYERS = 64
PAGES_A_SECOND = 1_000
SIGNED_IN_A_SECOND = 100
POLLS_A_SECOND = 2_000
LOGINS_A_SECOND = 20


def mixed(field: Field) -> list[Case]:
    """64 buyers, 1,000 page views and 2,000 polls a second, all at once.

    Once all visitors are strangers, once a tenth of the page views is of people who are signed in. As two services,
    Django runs niced in processes of its own and gets what is not the lane's; as in production, where a proxy divides.
    """
    strangers, some = "nobody signed in", f"{SIGNED_IN_A_SECOND} views/s signed in"
    cases = [
        Case(who=who.name, title=who.title, condition=condition, fire=partial(_mix, field, who, who, signed_in))
        for condition, signed_in in ((strangers, 0), (some, SIGNED_IN_A_SECOND))
        for who in field.ours
    ]
    two = [
        Case(
            who="two services",
            title="The lane and Django as two services",
            condition=condition,
            fire=partial(_as_two_services, field, signed_in),
        )
        for condition, signed_in in ((strangers, 0), (some, SIGNED_IN_A_SECOND))
    ]
    return [*cases[:2], two[0], *cases[2:], two[1]]


def _as_two_services(field: Field, signed_in: int, number: int) -> dict[str, float]:
    with our_shop.plain(field.shop, niced=True) as django:
        return _mix(field, field.lane, django, signed_in, number)


def _mix(field: Field, hot: Contestant, rest: Contestant, signed_in: int, _round: int) -> dict[str, float]:
    """Send the hot URLs to one contestant and the pages of who is signed in to the other, which may be the same."""
    seconds = field.pace.seconds
    slug = hot.open(MANY)
    page, panel = f"/sales/{slug}/", f"/sales/{slug}/panel"
    loads = {
        "": hot.buying(slug=slug, prefix=prefix(), connections=BUYERS, seconds=seconds),
        "pages_": hot.reading(path=page, connections=64, seconds=seconds, pace=PAGES_A_SECOND - signed_in),
        "polls_": hot.reading(path=panel, connections=64, seconds=seconds, pace=POLLS_A_SECOND),
    }
    if signed_in:
        cookies = field.shop.cookies
        loads["signed_in_"] = rest.reading(path=page, connections=32, seconds=seconds, pace=signed_in, cookies=cookies)
    values, answered = _together(loads)
    check_sold(answered[""], sold=field.shop.sold(slug), connections=BUYERS)
    hot.settle(slug)
    return values | came_through(answered[""])


def _together(loads: dict[str, Load]) -> tuple[dict[str, float], dict[str, Answered]]:
    """Run loads at once; return the figures of all, each name behind that of its load."""
    running = {name: load.start() for name, load in loads.items()}
    answered = {name: each.wait() for name, each in running.items()}
    return {key: value for name, each in answered.items() for key, value in each.values(name).items()}, answered


def logins(field: Field) -> list[Case]:
    """Purchases while nobody signs in, and while 20 people a second try to with the right password."""
    return [
        Case(who=who.name, title=who.title, condition=condition, fire=partial(_beside_logins, field, who, a_second))
        for condition, a_second in (("nobody signs in", 0), (f"{LOGINS_A_SECOND} sign-ins/s", LOGINS_A_SECOND))
        for who in field.ours
    ]


def _beside_logins(field: Field, who: Contestant, a_second: int, _round: int) -> dict[str, float]:
    seconds = max(field.pace.seconds, 3)  # a sign-in may wait for two
    slug = who.open(MANY)
    loads = {"": who.buying(slug=slug, prefix=prefix(), connections=AT, seconds=seconds)}
    if a_second:
        loads["logins_"] = _signing_in(field, who, seconds=seconds, a_second=a_second)
    values, answered = _together(loads)
    check_sold(answered[""], sold=field.shop.sold(slug), connections=AT)
    who.settle(slug)
    return values | came_through(answered[""])


def _signing_in(field: Field, who: Contestant, *, seconds: int, a_second: int) -> Load:
    """Return a load of sign-ins: the form's token is fetched once, the passwords are checked each time."""
    path = "/accounts/login/"
    with closing(http.client.HTTPConnection("127.0.0.1", who.port, timeout=10)) as line:
        line.request("GET", path, headers={"Host": "localhost"})
        answer = line.getresponse()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode())
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        token = found[1] if found else ""
        forms = [
            urlencode({"csrfmiddlewaretoken": token, "login": f"shopper{number}@example.org", "password": PASSWORD})
            for number in range(PEOPLE)
        ]
        headers = {"Host": "localhost", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", path, body=forms[0], headers=headers)
        if line.getresponse().status != http.HTTPStatus.FOUND:
            raise LoadFailed(f"{who.title} does not sign in who has the right password.")
    bodies, kept = field.shop.folder / "logins", field.shop.folder / "login-cookie"
    bodies.write_text("\n".join(forms) + "\n")
    kept.write_text(f"{cookie}\n")
    words: Words = {
        "kind": "post", "path": path, "bodies": bodies, "cookies": kept, "pace": a_second,
        "origin": f"http://localhost:{who.port}",
    }  # fmt: skip
    return Load(port=who.port, connections=64, seconds=seconds, words=words)
