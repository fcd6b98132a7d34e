"""Django's settings, from the environment. Each knob is declared in `environment`; here is what follows from them."""

from django.conf.locale import LANG_INFO
from django.utils.csp import CSP

from flashsale_site import logs, reading, servers
from flashsale_site.environment import PROJECT
from sales.conf import Conf, Limits

ENV = reading.read()

# --- The site

DEBUG = ENV.debug
DATA_DIR = ENV.data_path
servers.make_data_folder(ENV)
SECRET_KEY = servers.secret_key(ENV)
SECRET_KEY_FALLBACKS = list(ENV.secret_key_fallbacks)
ALLOWED_HOSTS = list(ENV.allowed_hosts)
ROOT_URLCONF = "flashsale_site.urls"
WSGI_APPLICATION = "flashsale_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING = logs.config(ENV)

INSTALLED_APPS = [
    "sales",  # first: its templates stand before those of the others
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "corsheaders",
    "django_htmx",
    "pictures",
]

MIDDLEWARE = [
    "sales.web.request_id.RequestIdMiddleware",  # first, so that every record of the others carries the id
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "flashsale_site.headers.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # before whatever can answer by itself
    "sales.web.middleware.UnavailableMiddleware",
    "sales.web.limits.LimitsMiddleware",  # before anything that costs: a refusal asks no session
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sales.web.context.shop",
            ],
        },
    },
]

# --- Servers

DATABASES = servers.databases(ENV)
CACHES = servers.caches(ENV)
MAILERS = servers.mailers(ENV)
DEFAULT_FROM_EMAIL = ENV.email_from
SERVER_EMAIL = ENV.email_from

# --- What sales may know

SALES = Conf(
    site=ENV.site,
    data_dir=DATA_DIR,
    ledger_url=servers.ledger_url(ENV),
    cache_url=servers.cache_url(ENV),
    ledger_risk=ENV.ledger_risk,
    ledger_embedded=not ENV.redis_url,
    cache_embedded=not ENV.cache_url,
    shop_name=ENV.shop_name,
    shop_place=ENV.shop_place,
    shop_currency=ENV.shop_currency,
    limits=Limits(
        on=ENV.limits,
        without_cache=ENV.limits_without_cache,
        purchase_per_address=ENV.limit_purchase_per_address,
        purchase_per_shopper=ENV.limit_purchase_per_shopper,
        lookup_per_address=ENV.limit_lookup_per_address,
        page_per_address=ENV.limit_page_per_address,
        panel_per_address=ENV.limit_panel_per_address,
        account_per_address=ENV.limit_account_per_address,
        login_per_address=ENV.limit_login_per_address,
        admin_per_address=ENV.limit_admin_per_address,
    ),
    trusted_proxies=ENV.trusted_proxies,
    ledger_key_prefix=ENV.ledger_key_prefix,
    ledger_connect_timeout_ms=ENV.ledger_connect_timeout_ms,
    ledger_answer_timeout_ms=ENV.ledger_answer_timeout_ms,
    snapshot_max_age_ms=ENV.snapshot_max_age_ms,
    catalogue_max_age_ms=ENV.catalogue_max_age_ms,
    keeper_batch=ENV.keeper_batch,
    keeper_pause_ms=ENV.keeper_pause_ms,
    keeper_idle_ms=ENV.keeper_idle_ms,
    body_limit_bytes=ENV.body_limit_bytes,
    fault_point=ENV.fault_point,
    reminder_minutes=ENV.reminder_minutes,
    require_staff_mfa=ENV.require_staff_mfa,
)

# --- Accounts

AUTH_USER_MODEL = "sales.Account"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",  # the admin's own sign-in
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "flashsale_site.accounts.AccountAdapter"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none" if ENV.is_demo else "mandatory"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True  # whoever learned the old password loses the session with it
ACCOUNT_SESSION_REMEMBER = True
# Addresses are counted by our own limits, which know the trusted proxies; allauth would take the proxy for one visitor.
# What is kept counts per account: guesses at one password, and mails sent to one address.
ACCOUNT_RATE_LIMITS: dict[str, str | None] | bool = ENV.limits and {
    "login": None,
    "login_failed": "10/5m/key",
    "signup": None,
    "reset_password": "5/m/key",
    "reset_password_from_key": None,
    "confirm_email": "1/1m/key",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reauthenticate": "10/m/user",
    "request_login_code": None,
    "verify_phone": None,
    "change_phone": None,
}
MFA_RATE_LIMITS = False  # its only limit is per address
MFA_TOTP_ISSUER = ENV.shop_name

SESSION_ENGINE = "django.contrib.sessions.backends.db"  # with the cache server gone, people stay signed in
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "sales.web.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)

# --- Transport and what browsers may do

SECURE_SSL_REDIRECT = ENV.ssl_redirect
SESSION_COOKIE_SECURE = ENV.ssl_redirect
CSRF_COOKIE_SECURE = ENV.ssl_redirect
SECURE_PROXY_SSL_HEADER = (
    (f"HTTP_{ENV.proxy_ssl_header.upper().replace('-', '_')}", "https") if ENV.proxy_ssl_header else None
)
# Asked by load balancers from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$"]
SECURE_HSTS_SECONDS = ENV.hsts_seconds
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.hsts_subdomains
SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = [
    # An account's address is unique by a constraint over its small letters, which this check does not see.
    "auth.W004",
    # Whether every other host of the domain speaks HTTPS is for its owner to know: HSTS_SUBDOMAINS.
    "security.W005",
    "security.W021",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],  # data: is the QR code of two-factor set-up
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}

CORS_URLS_REGEX = r"^/(api/.*|health)$"
CORS_ALLOW_ALL_ORIGINS = ENV.cors_allowed_origins == ("*",)
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else list(ENV.cors_allowed_origins)
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["content-type", "authorization", "idempotency-key"]
CORS_EXPOSE_HEADERS = [
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Request-ID",
    "X-Server-Time",
]

# --- Language and time

USE_I18N = True
LANGUAGE_CODE = ENV.shop_languages[0]
LANGUAGES = [(code, LANG_INFO[code]["name_local"]) for code in ENV.shop_languages]
LANGUAGE_COOKIE_AGE = 366 * 86_400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = ENV.ssl_redirect
LOCALE_PATHS = [PROJECT / "locale"]
USE_TZ = True
TIME_ZONE = ENV.shop_time_zone

# --- Files

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [PROJECT / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# The sizes of a picture are made when it is saved, in the process that saves it: no shopper waits for one.
PICTURES = {"USE_PLACEHOLDERS": False, "QUEUE_NAME": "default"}
TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# The plain names are asked for by nobody, and compressing them would double the time of the first start.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
