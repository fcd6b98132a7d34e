"""The settings of the test run: the demo's, with nothing taken from whoever starts the tests.

The ledger and the cache of a test run are started by `conftest.py`, in the data folder named here. With
TEST_DATABASE_URL=postgres://... everything runs on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from flashsale_site.environment import KNOBS

# One folder for each process that runs tests, and for all that it starts.
_NAME = f"TEST_FOLDER_{os.environ.get('PYTEST_XDIST_WORKER', 'ALONE').upper()}"
if _NAME not in os.environ:
    os.environ[_NAME] = tempfile.mkdtemp(prefix="flashsale-tests-")
    atexit.register(shutil.rmtree, os.environ[_NAME], ignore_errors=True)
_FOLDER = Path(os.environ[_NAME])

for _knob in KNOBS:
    os.environ.pop(_knob.name, None)
os.environ |= {
    "SITE": "demo",
    "ENV_FILE": "",
    "DATA_DIR": str(_FOLDER),
    "SECRET_KEY": "the tests sign with this key, and nobody else ever does",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "EMAIL_URL": "consolemail:",
    "LOG_LEVEL": "warning",
}

from flashsale_site.settings import *  # noqa: E402, F403
from flashsale_site.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes a third of a second
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True  # serves from the sources; nothing is collected for tests
WHITENOISE_USE_FINDERS = True

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in real life: in memory, SQLite locks by other rules.
    DATABASES["default"]["TEST"] = {"NAME": str(_FOLDER / "test.sqlite3")}
