#!/usr/bin/env python
"""The project's commands. A mistake in the settings is told in a sentence, not as a traceback."""

import os
import sys

_NEEDS_NO_SETTINGS = {"help", "--help", "-h", "version", "--version"}


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flashsale_site.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 (may be missing: see below)
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed for {sys.executable}. Run `make setup`, then .venv/bin/python.")

    from flashsale_site.reading import Misconfigured, assume_demo  # noqa: PLC0415 (needs Django)
    from sales.web import request_id  # noqa: PLC0415

    request_id.begin(None)  # what this run logs can be told from what others log beside it
    try:
        if sys.argv[1:2] == ["demo"]:
            assume_demo(sys.argv[2:])
        if not _NEEDS_NO_SETTINGS.issuperset(sys.argv[1:2]):
            from django.conf import settings  # noqa: PLC0415

            settings.INSTALLED_APPS  # noqa: B018 (reads the settings now, before a command can hide the sentence)
        execute_from_command_line(sys.argv)
    except Misconfigured as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main()
