"""Settings of the row-lock baseline: as few as Django needs, on the PostgreSQL that ROWLOCK_URL names."""

import os

import environ

SECRET_KEY = "signs nothing: the baseline has no sessions"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "tests.bench.rowlock.shop"
INSTALLED_APPS = ["tests.bench.rowlock"]
MIDDLEWARE: list[str] = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": environ.Env.db_url_config(os.environ["ROWLOCK_URL"]) | {"CONN_MAX_AGE": None}}
