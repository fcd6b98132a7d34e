"""A product's picture as pages show it: in the sizes and formats that were made of it when it was saved.

Nothing is made here, nor on any shopper's request. A picture that is smaller than the smallest size is shown as it is.
"""

from dataclasses import dataclass

from sales.models import Product

FALLBACK = "JPEG"
FALLBACK_WIDTH = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One format: its media type, and its files with their widths, as `srcset` wants them."""

    kind: str
    srcset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What an `img` needs, and the better formats before it. `url` is for browsers that know none of those."""

    url: str
    width: int
    height: int
    sources: tuple[Source, ...] = ()


def of(product: Product) -> Picture | None:
    """Return the product's picture; None where it has none, and the page shows a drawing."""
    picture = product.picture
    if not picture:
        return None
    if not (product.picture_width and product.picture_height):  # from before there were sizes
        return Picture(url=picture.url, width=800, height=1000)
    by_format = picture.aspect_ratios[None]
    fallback = by_format[FALLBACK]
    if not fallback:
        return Picture(url=picture.url, width=product.picture_width, height=product.picture_height)
    width = max((each for each in fallback if each <= FALLBACK_WIDTH), default=min(fallback))
    return Picture(
        url=fallback[width].url,
        width=width,
        height=round(width * product.picture_height / product.picture_width),
        sources=tuple(
            Source(kind=f"image/{name.lower()}", srcset=", ".join(f"{files[w].url} {w}w" for w in sorted(files)))
            for name, files in by_format.items()
            if name != FALLBACK
        ),
    )
