"""Pictures put together: many small ones on a sheet with their names, a few side by side; saved with few colours."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

GAP, LABEL = 14, 22
FREQUENT, COVERING = 96, 64  # colours
PAPER, INK = (214, 218, 213), (16, 33, 27)


def opened(png: bytes) -> Image.Image:
    """Read a picture that the browser took."""
    return Image.open(io.BytesIO(png)).convert("RGB")


def sheet(pictures: dict[str, bytes], *, columns: int, width: int) -> Image.Image:
    """Return all of them in rows, each this wide with its name below."""
    small = {name: _scaled(opened(png), width) for name, png in pictures.items()}
    height = max(each.height for each in small.values())
    rows = -(-len(small) // columns)
    size = (GAP + columns * (width + GAP), GAP + rows * (height + LABEL + GAP))
    made = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(size=13)
    for place, (name, picture) in enumerate(small.items()):
        x = GAP + place % columns * (width + GAP)
        y = GAP + place // columns * (height + LABEL + GAP)
        made.paste(picture, (x, y))
        draw.text((x, y + height + 4), f"{place + 1} {name}", fill=INK, font=font)
    return made


def beside(pictures: list[bytes], *, width: int) -> Image.Image:
    """Return them in one row, each this wide."""
    small = [_scaled(opened(png), width) for png in pictures]
    made = Image.new(
        "RGB", (GAP + len(small) * (width + GAP), 2 * GAP + max(each.height for each in small)), PAPER
    )  # fmt: skip
    for place, picture in enumerate(small):
        made.paste(picture, (GAP + place * (width + GAP), GAP))
    return made


def save(picture: Image.Image, to: Path) -> int:
    """Save in few colours: the most frequent as they are, and some that cover the rest. Return its size in bytes."""
    counted: Any = picture.getcolors(maxcolors=picture.width * picture.height)
    frequent = [part for _, colour in sorted(counted, reverse=True)[:FREQUENT] for part in colour]
    covering = picture.quantize(colors=COVERING, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(frequent + covering[: 3 * COVERING])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(to, optimize=True)
    return to.stat().st_size


def _scaled(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
