"""The files of the project that the tests of its structure look at."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
CODE = ("sales", "flashsale_site")


def files(*suffixes: str, under: tuple[str, ...] = (*CODE, "tests", "templates", "static")) -> list[Path]:
    """Return the files with these suffixes in these folders; migrations are written by Django, not by us."""
    return sorted(
        file
        for folder in under
        for file in (PROJECT / folder).rglob("*")
        if file.suffix in suffixes and "migrations" not in file.parts
    )


def named(file: Path) -> str:
    """Return the file's path within the project."""
    return str(file.relative_to(PROJECT))
