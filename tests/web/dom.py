"""HTML as a tree, to find things in it and to do what htmx does with a fragment: swap it in, out-of-band parts too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


@dataclass(slots=True)
class Element:
    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    def walk(self) -> "Iterator[Element]":
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, matches: "Callable[[Element], bool]") -> "list[Element]":
        return [each for each in self.walk() if matches(each)]

    def tagged(self, *tags: str) -> "list[Element]":
        return self.all(lambda each: each.tag in tags)

    def id(self, name: str) -> "Element":
        return only(self.all(lambda each: each.attrs.get("id") == name))

    def has(self, name: str) -> bool:
        return bool(self.all(lambda each: each.attrs.get("id") == name))

    def classed(self, name: str) -> "list[Element]":
        return self.all(lambda each: name in each.attrs.get("class", "").split())

    @property
    def text(self) -> str:
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    def replace(self, old: "Element", new: "list[Element]") -> None:
        for each in self.walk():
            for place, child in enumerate(each.children):
                if child is old:
                    each.children[place : place + 1] = new
                    return
        raise AssertionError("the element to be replaced is not in the tree")


def only(found: list[Element]) -> Element:
    assert len(found) == 1, f"{len(found)} elements instead of one"
    return found[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self.open[-1].children.append(text)


def parsed(html: str | bytes) -> Element:
    """Parse; an unclosed or crossed tag, or an attribute given twice, is a failure."""
    builder = _Builder()
    builder.feed(html.decode() if isinstance(html, bytes) else html)
    builder.close()
    assert builder.open == [builder.root], f"not closed: {[each.tag for each in builder.open[1:]]}"
    return builder.root


def swapped(page: Element, fragment: Element) -> Element:
    """Do what htmx does: parts marked out-of-band replace the element with their id, the rest replaces the stub."""
    rest: list[Element] = []
    for child in list(fragment.children):
        assert isinstance(child, Element), f"text beside the elements of a fragment: {child!r}"
        if "hx-swap-oob" in child.attrs:
            del child.attrs["hx-swap-oob"]
            page.replace(page.id(child.attrs["id"]), [child])
        else:
            rest.append(child)
    page.replace(only(page.classed("stub")), rest)
    return page
