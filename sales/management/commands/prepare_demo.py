"""`manage.py prepare_demo`: the demo's tables, static files and sales, brought up to date in one process.

Not for use by hand: `demo` gives it the folder and the arguments. Each part is quick when there is nothing to do.
"""

import hashlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sales import conf
from sales.conf import Site
from sales.management.commands.demo import A_YEAR_SECONDS, whole_number
from sales.management.demo_welcome import PASSWORD_FILE
from sales.models.sales import MAX_HOLD_SECONDS, MAX_STOCK
from sales.services import demo_sales, lifecycle
from sales.services.demo_sales import Wanted


class Command(BaseCommand):
    """Tables, static files and sales of the demo."""

    help = "Used by `demo`: bring its database, static files and sales up to date."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stock", required=True, type=whole_number(1, MAX_STOCK))
        parser.add_argument("--opens-in", required=True, type=whole_number(0, A_YEAR_SECONDS))
        parser.add_argument("--lasts", required=True, type=whole_number(1, A_YEAR_SECONDS))
        parser.add_argument("--hold-seconds", required=True, type=whole_number(0, MAX_HOLD_SECONDS))

    def handle(self, *_: Any, **options: Any) -> None:
        site = conf.current()
        if site.site is not Site.DEMO:
            raise CommandError("The settings say SITE=production: a real shop gets no demo sales.")
        call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        self._collect(stamp=site.data_dir / "static.stamp")
        if not demo_sales.has_admin():
            demo_sales.make_admin(password=_password(site.data_dir / PASSWORD_FILE))
        wanted = Wanted(
            stock=options["stock"],
            opens_in=timedelta(seconds=options["opens_in"]),
            lasts=timedelta(seconds=options["lasts"]),
            hold_seconds=options["hold_seconds"],
        )
        try:
            demo_sales.prepare(wanted=wanted, now=timezone.now())
        except lifecycle.Refused as refused:
            raise CommandError(f"{refused} Let it last longer: --lasts.") from None

    def _collect(self, *, stamp: Path) -> None:
        """Collect the static files, unless they are those of the last time: compressing takes seconds."""
        found = _state_of_static_files()
        if stamp.exists() and stamp.read_text() == found and Path(settings.STATIC_ROOT).is_dir():
            return
        call_command("collectstatic", interactive=False, verbosity=0, stdout=self.stdout)
        stamp.write_text(found)


def _state_of_static_files() -> str:
    """Return a digest over name, size and time of every static file, and over what makes the collected ones."""
    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES['staticfiles']}".encode())
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            there = Path(storage.path(name)).stat()
            digest.update(f"{name} {there.st_size} {there.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _password(file: Path) -> str:
    """Return the demo admin's first password, made once; the file is its owner's alone."""
    if not file.exists():
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as opened:
            opened.write(secrets.token_urlsafe(12) + "\n")
    return file.read_text().strip()
