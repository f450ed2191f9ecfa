"""All settings, in one file. Everything that differs between installations comes from the environment.

The table in docs/administrators.md explains each variable; `config.environment` says in a sentence what is wrong.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.environment import Environment
from core.logs import logging_config
from core.patience import is_worker, limits

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR)

# --- what this installation is -----------------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
DEMO = env.flag("DEMO", False)
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
FIELD_KEY = env.keys("FIELD_KEY")
_site = env.site("PUBLIC_URL")
PUBLIC_URL, PUBLIC_HOST = _site.geturl(), _site.netloc
_hostname = f"[{_site.hostname}]" if ":" in str(_site.hostname) else str(_site.hostname)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [_hostname])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [PUBLIC_URL])
# How many reverse proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto; 0 trusts none.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
VAR_DIR = env.folder("VAR_DIR", BASE_DIR / "var")

# --- applications ------------------------------------------------------------------------------------
DOMAIN_APPS = ["infra_notifications", "vehicles", "fleet_remotes", "bikeshare"]
INSTALLED_APPS = [
    "core.apps.CoreConfig",  # before Django's, so that our `createsuperuser` wins over it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "auditlog",
    "axes",
    "bootstrap",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "heroicons",
    "ninja",
    "template_partials",
    "console.apps.ConsoleConfig",
    "outbox.apps.OutboxConfig",
    "infra_notifications.apps.InfraNotificationsConfig",
    "vehicles.apps.VehiclesConfig",
    "fleet_remotes.apps.FleetRemotesConfig",
    "bikeshare.apps.BikeshareConfig",
    # After ours, so that our templates win over the admin's.
    "console.apps.SignalboxAdminConfig",
]
MIDDLEWARE = [
    "core.middleware.RequestLog",
    "core.middleware.StorableAddress",
    "core.middleware.Security",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.ApiProblems",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.middleware.ComposedForms",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "console.middleware.PolledParts",
    "console.middleware.SessionEnds",
    "console.middleware.SignInRequired",
    "console.middleware.ViewerTimeZone",
    "core.middleware.PeopleShown",
    "console.middleware.AuditActor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context_processors.shell",
            ],
            "builtins": ["console.templatetags.console", "template_partials.templatetags.partials"],
        },
    }
]
# Widgets find their templates where pages do.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- engines -----------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL")}
_patience = {"lock_s": env.number("LOCK_TIMEOUT_S", 5), "statement_s": env.number("STATEMENT_TIMEOUT_S", 60)}
_options = {"application_name": "signalbox"} | limits(sys.argv, **_patience)
DATABASES["default"]["OPTIONS"] = _options | DATABASES["default"].get("OPTIONS", {})
_pool = {"min_size": 1, "max_size": env.number("DATABASE_POOL_SIZE", 8, least=1), "timeout": 10}
if not is_worker(sys.argv):  # Celery closes the pool of its process around every task, under the dispatcher's hands
    DATABASES["default"]["OPTIONS"]["pool"] = _pool
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False  # the pool checks
CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", ("amqp", "amqps", "redis", "rediss", "filesystem"))
# Every EMAIL_* value of Django comes from EMAIL_URL.
globals().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT_S", 15, least=1)
DEFAULT_FROM_EMAIL = env.sender("MAIL_FROM", f"Signalbox <signalbox@{_hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Where answers to mails go; a notification group may name its own.
MAIL_REPLY_TO = env.sender("MAIL_REPLY_TO", "")
# Where mails that come back go: a domain whose whole mail Signalbox gets, or one address; empty: to the sender.
BOUNCE_DOMAIN = env.bounces("BOUNCE_DOMAIN")
# After so many in a row nothing more is sent to an address; 0: never.
BOUNCE_PAUSE_AFTER = env.number("BOUNCE_PAUSE_AFTER", 3)
# A mailbox (`imaps://user:password@host/INBOX`) in which reports are looked for.
BOUNCE_MAILBOX_URL = env.url("BOUNCE_MAILBOX_URL", ("imaps", "imap+tls", "imap"), "")
BOUNCE_POLL_S = env.number("BOUNCE_POLL_S", 60, least=5)
# Where a mail shows a place: by coordinates, else by its address; empty for no link.
MAP_URL = env.template(
    "MAP_URL",
    "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=18/{latitude}/{longitude}",
    ("latitude", "longitude"),
)
MAP_SEARCH_URL = env.template("MAP_SEARCH_URL", "https://www.openstreetmap.org/search?query={address}", ("address",))

# --- outbox ------------------------------------------------------------------------------------------
# Networks that webhooks and other outgoing calls may reach although they are private (CIDR list).
OUTBOX_ALLOWED_NETWORKS = env.networks("OUTBOX_ALLOWED_NETWORKS")
# Outside of those networks webhooks use only these schemes and ports.
OUTBOX_WEBHOOK_SCHEMES = env.words("OUTBOX_WEBHOOK_SCHEMES", ["https"])
OUTBOX_WEBHOOK_PORTS = env.ports("OUTBOX_WEBHOOK_PORTS", [443, 8443])
OUTBOX_SMTP_CONNECTIONS = env.number("OUTBOX_SMTP_CONNECTIONS", 32, least=1)
OUTBOX_BATCH_SIZE = env.number("OUTBOX_BATCH_SIZE", 500, least=1)
OUTBOX_LEASE_S = env.number("OUTBOX_LEASE_S", 120, least=30)
OUTBOX_SWEEP_S, OUTBOX_WATCH_S = env.number("OUTBOX_SWEEP_S", 5, least=1), env.number("OUTBOX_WATCH_S", 15, least=1)
# A copy that is to be looked at alone: nothing is sent, and no worker does anything.
OUTBOX_HOLD = env.flag("OUTBOX_HOLD", False)
# What happened longer ago than this before it was reported is recorded, not mailed to topic lists.
OUTBOX_MAIL_MAX_AGE_S = env.number("OUTBOX_MAIL_MAX_AGE_S", 24 * 3600, least=60)

# --- charging infrastructure notifications -----------------------------------------------------------
# The longest normal silence of a charge point of which nothing is set or learnt yet: an hourly heartbeat and a quarter.
CHARGING_EXPECTED_INTERVAL_S = env.number("CHARGING_EXPECTED_INTERVAL_S", 4500, least=1)
# What opens in the same group within this time after a mail is gathered into one mail.
CHARGING_GATHER_S = env.number("CHARGING_GATHER_S", 60)
# The EVSE ids that are proposed for unknown stations, and how many unknown senders are kept of each source.
CHARGING_EVSE_PATTERN = env.text("CHARGING_EVSE_PATTERN", "{station}*{connector}")
CHARGING_UNKNOWN_MAX = env.number("CHARGING_UNKNOWN_MAX", 1_000, least=1)
# What happened longer ago than this is recorded, not mailed.
CHARGING_MAIL_MAX_AGE_S = env.number("CHARGING_MAIL_MAX_AGE_S", 24 * 3600, least=60)
CHARGING_SWEEP_S = env.number("CHARGING_SWEEP_S", 5, least=1)
# By which country code and party id parties of OCPI know this installation.
OCPI_PARTY = env.party("OCPI_PARTY", "DE*SBX")
# Networks in which the OCPP proxy may call a CSMS although they are private (CIDR list).
OCPP_UPSTREAM_NETWORKS = env.networks("OCPP_UPSTREAM_NETWORKS")
# Stations' time to connect anew after the proxy stopped; where it keeps what it heard until that is taken in, how much.
OCPP_GRACE_S = env.number("OCPP_GRACE_S", 120)
OCPP_SPOOL_DIR = env.text("OCPP_SPOOL_DIR", str(VAR_DIR / "ocpp" / "spool"))
OCPP_SPOOL_MAX_MB = env.number("OCPP_SPOOL_MAX_MB", 256, least=1)

# --- the OCPP proxy ----------------------------------------------------------------------------------
OCPP_HOST = env.text("OCPP_HOST", "127.0.0.1")
OCPP_PORT = env.number("OCPP_PORT", 9000, least=1)
# The address under which stations reach it.
OCPP_PUBLIC_URL = env.url(
    "OCPP_PUBLIC_URL", ("ws", "wss"), f"{'wss' if _site.scheme == 'https' else 'ws'}://{_hostname}:{OCPP_PORT}"
).rstrip("/")
OCPP_PROXY_PROCESSES = env.number("OCPP_PROXY_PROCESSES", 1, least=1)
# A file of authorities by which a CSMS behind wss:// is judged, instead of the system's.
OCPP_UPSTREAM_CA = env.text("OCPP_UPSTREAM_CA", "")
# Balancers and proxies in front, whose word on a station's address and certificate is taken (CIDR list).
OCPP_TRUSTED_NETWORKS = env.networks("OCPP_TRUSTED_NETWORKS")
# PEM files: the certificate that stations see, its key when that is a file of its own, and by whom theirs are signed.
OCPP_TLS_CERTIFICATE = env.text("OCPP_TLS_CERTIFICATE", "")
OCPP_TLS_KEY = env.text("OCPP_TLS_KEY", "")
OCPP_TLS_CLIENT_CA = env.text("OCPP_TLS_CLIENT_CA", "")
OCPP_TLS_CLIENT_REQUIRED = env.flag("OCPP_TLS_CLIENT_REQUIRED", False)
OCPP_TLS_CLIENT_HEADER = env.text("OCPP_TLS_CLIENT_HEADER", "Client-Cert")
# Longer messages are passed on unheard.
OCPP_PROXY_MAX_FRAME_BYTES = env.number("OCPP_PROXY_MAX_FRAME_BYTES", 1024 * 1024, least=1024)
# Stations of one process.
OCPP_PROXY_MAX_CONNECTIONS = env.number("OCPP_PROXY_MAX_CONNECTIONS", 15_000, least=1)
# After so long without a sign from its network a peer counts as gone.
OCPP_PROXY_DEAD_AFTER_S = env.number("OCPP_PROXY_DEAD_AFTER_S", 120, least=4)
# How long a process that ends waits for its stations to go.
OCPP_PROXY_DRAIN_S = env.number("OCPP_PROXY_DRAIN_S", 5)
# So many stations a second are asked to reconnect when their route changes.
OCPP_PROXY_MOVES_PER_S = env.number("OCPP_PROXY_MOVES_PER_S", 50, least=1)

# --- MQTT: what MaEVe and EVerest publish ------------------------------------------------------------
# mqtt://user:password@broker.example:1883 or mqtts://…; the topics; whose EVerest speaks where topics name no station.
MQTT_URL = env.text("MQTT_URL", "")
MQTT_TOPICS = env.words("MQTT_TOPICS", ["+/in/+/+", "everest_api/1/+/+/e2m/#", "+/everest_api/1/+/+/e2m/#"])
MQTT_CLIENT_ID = env.text("MQTT_CLIENT_ID", "signalbox")
MQTT_STATION = env.text("MQTT_STATION", "")

# --- how long things are kept, in days; 0 keeps them for ever ----------------------------------------
RETENTION_DAYS = env.number("RETENTION_DAYS", 90)
RETENTION_EVENTS_DAYS = env.number("RETENTION_EVENTS_DAYS", RETENTION_DAYS)
RETENTION_MESSAGES_DAYS = env.number("RETENTION_MESSAGES_DAYS", RETENTION_DAYS)
RETENTION_INCIDENTS_DAYS = env.number("RETENTION_INCIDENTS_DAYS", RETENTION_DAYS)
RETENTION_HISTORY_DAYS = env.number("RETENTION_HISTORY_DAYS", RETENTION_DAYS)
RETENTION_RECEIPTS_DAYS = env.number("RETENTION_RECEIPTS_DAYS", 7)
RETENTION_SESSIONS_DAYS = env.number("RETENTION_SESSIONS_DAYS", 1)
RETENTION_AUDIT_DAYS = env.number("RETENTION_AUDIT_DAYS", 730)
RETENTION_PRUNE_S = env.number("RETENTION_PRUNE_S", 60, least=1)

# --- who hears of Signalbox's own troubles -------------------------------------------------------------
ADMIN_EMAILS = env.addresses("ADMIN_EMAILS")
# --- fleet remotes -----------------------------------------------------------------------------------
# The vendor's fleet-owner API: mutual TLS, Basic authentication, and a client id in every address.
REMOTES_API_URL = env.url(
    "REMOTES_API_URL", ("https", "http"), "https://api-cert.groupe-psa.com/connectedcar/v3"
).rstrip("/")
REMOTES_CLIENT_ID = env.text("REMOTES_CLIENT_ID", "")
REMOTES_USERNAME = env.text("REMOTES_USERNAME", "")
REMOTES_PASSWORD = env.text("REMOTES_PASSWORD", "")
# PEM files: our client certificate, its key when that is a file of its own, and a CA other than the system's.
REMOTES_CERTIFICATE = env.text("REMOTES_CERTIFICATE", "")
REMOTES_CERTIFICATE_KEY = env.text("REMOTES_CERTIFICATE_KEY", "")
REMOTES_CA = env.text("REMOTES_CA", "")
REMOTES_TIMEOUT_S = env.number("REMOTES_TIMEOUT_S", 15, least=1)
# Commands a second, over all fleets; the vendor's limits belong to the subscription.
REMOTES_SEND_PER_S = env.number("REMOTES_SEND_PER_S", 5, least=1)
# A command that could not be sent for this long is not sent any more: nobody expects it then.
REMOTES_QUEUE_MAX_S = env.number("REMOTES_QUEUE_MAX_S", 3600, least=60)
REMOTES_LEASE_S = env.number("REMOTES_LEASE_S", 60, least=5)
REMOTES_AUTO_RETRY = env.some("REMOTES_AUTO_RETRY", ("preconditioning", "charging", "wakeUp", "navigation"))
# Whether unlocking, immobilising and declaring stolen may be sent to many vehicles at once.
REMOTES_DANGEROUS_IN_BULK = env.flag("REMOTES_DANGEROUS_IN_BULK", False)
REMOTES_SECOND_PERSON = env.flag("REMOTES_SECOND_PERSON", False)
REMOTES_LOW_BATTERY = env.number("REMOTES_LOW_BATTERY", 20)
# Wake-ups a month of a vehicle that names no budget (0: only what the vendor teaches), and 6 in 20 minutes.
REMOTES_WAKEUPS_PER_MONTH = env.number("REMOTES_WAKEUPS_PER_MONTH", 0)
REMOTES_WAKEUPS_BURST = env.number("REMOTES_WAKEUPS_BURST", 6)
REMOTES_WAKEUPS_BURST_S = env.number("REMOTES_WAKEUPS_BURST_S", 1200, least=1)
# Seconds without news after which the vendor is asked, by state, and after which nothing more is expected.
REMOTES_SOFT_FIRST_S = env.number("REMOTES_SOFT_FIRST_S", 60, least=1)
REMOTES_SOFT_NAVIGATION_S = env.number("REMOTES_SOFT_NAVIGATION_S", 120, least=1)
REMOTES_SOFT_WAKING_S = env.number("REMOTES_SOFT_WAKING_S", 180, least=1)
REMOTES_SOFT_SENT_S = env.number("REMOTES_SOFT_SENT_S", 120, least=1)
REMOTES_SOFT_BLOCKED_S = env.number("REMOTES_SOFT_BLOCKED_S", 60, least=1)
REMOTES_HARD_BLOCKED_S = env.number("REMOTES_HARD_BLOCKED_S", 300, least=1)
REMOTES_HARD_S = env.number("REMOTES_HARD_S", 600, least=1)
REMOTES_VEHICLES_S = env.number("REMOTES_VEHICLES_S", 3600)
REMOTES_SWEEP_S = env.number("REMOTES_SWEEP_S", 5, least=1)
# --- vehicles ----------------------------------------------------------------------------------------
VEHICLES_SWEEP_S = env.number("VEHICLES_SWEEP_S", 5, least=1)
VEHICLES_BRAKE_PERCENT = env.number("VEHICLES_BRAKE_PERCENT", 5, least=1)
# --- bike-share --------------------------------------------------------------------------------------
BIKESHARE_SWEEP_S = env.number("BIKESHARE_SWEEP_S", 60, least=1)  # the ends of trials

# --- celery ------------------------------------------------------------------------------------------
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.number("WORKER_CONCURRENCY", 2, least=1)
CELERY_WORKER_HIJACK_ROOT_LOGGER = CELERY_WORKER_SEND_TASK_EVENTS = CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP, CELERY_BROKER_CONNECTION_MAX_RETRIES = True, None
CELERY_BEAT_SCHEDULER = "config.scheduler.Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    # One machine, no broker: Celery's own filesystem transport, polled quickly.
    _spool = VAR_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_spool / "queue"),
        "data_folder_out": str(_spool / "queue"),
        "control_folder": str(_spool / "control"),
        "polling_interval": 0.05,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # A task that a killed worker held comes back after this time; ours are short.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
    }

# --- sign-in -----------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "console:sign_in"
LOGIN_REDIRECT_URL = "console:dashboard"
LOGOUT_REDIRECT_URL = "console:sign_in"
AXES_FAILURE_LIMIT = env.number("SIGN_IN_FAILURE_LIMIT", 8, least=1)
AXES_COOLOFF_TIME = env.number("SIGN_IN_COOLOFF_MIN", 15, least=1) / 60
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "console/locked_out.html"
AXES_CLIENT_IP_CALLABLE = "core.addresses.limited_address"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "NumericPassword")
] + [{"NAME": "core.passwords.HouseWordsValidator"}]
# A file of Have I Been Pwned: SHA-1 and count in each line, in the order of the hashes.
BREACHED_PASSWORDS = env.text("BREACHED_PASSWORDS", "")
if BREACHED_PASSWORDS:
    AUTH_PASSWORD_VALIDATORS += [{"NAME": "core.passwords.BreachedPasswordValidator"}]
PASSWORD_HASHERS = ["core.hashing.PatientPBKDF2"]

# --- limits: requests a second of a key; wrong keys and passwords a minute of an address; 0: none --------------------
API_RATE_PER_S, BODY_TIMEOUT_S = env.number("API_RATE_PER_S", 2_000), env.number("BODY_TIMEOUT_S", 30, least=1)
WRONG_KEYS_PER_MIN, SIGN_INS_PER_MIN = env.number("WRONG_KEYS_PER_MIN", 60), env.number("SIGN_INS_PER_MIN", 20)
WEB_MEMORY_MB, WORKER_MEMORY_MB = env.number("WEB_MEMORY_MB", 1_024), env.number("WORKER_MEMORY_MB", 1_024)

# --- audit -------------------------------------------------------------------------------------------
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_CID_GETTER = "core.logs.request_id"

# --- security ----------------------------------------------------------------------------------------
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE, SESSION_IDLE_MIN = 12 * 3600, env.number("SESSION_IDLE_MIN", 120)
_prefix = "__Host-signalbox" if HTTPS else "signalbox"  # of no other host, and never without TLS (RFC 6265bis)
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_prefix}_session", f"{_prefix}_csrf"
CSRF_FAILURE_VIEW = "console.views.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS and env.flag("SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^healthz/full$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.number("HSTS_S", 31536000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env.flag("HSTS_INCLUDE_SUBDOMAINS", True)
SECURE_HSTS_PRELOAD = HTTPS and env.flag("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W021", "security.W001"]  # preloading is a choice; that middleware is our own kind
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
_own = ("script-src", "style-src", "font-src", "connect-src", "manifest-src", "form-action", "frame-src")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {name: [NONE] for name in ("default-src", "frame-ancestors", "base-uri")}
    | {name: [SELF] for name in _own}
    | {"img-src": [SELF, "data:"]}
}
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024  # the API refuses above 5 MiB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# Who may read /metrics without an API key (CIDR list); scraping from elsewhere needs scope outbox:read.
METRICS_NETWORKS = env.networks("METRICS_NETWORKS")

# --- language and time -------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en", _("English")), ("de", _("German")), ("fr", _("French"))]
TIME_ZONE = env.zone("TIME_ZONE", "UTC")

# --- static files ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").is_file()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- logs and metrics --------------------------------------------------------------------------------
LOGGING = logging_config(
    env.choice("LOG_FORMAT", "json", ("json", "console")),
    env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
)
METRICS_DIR = env.folder("METRICS_DIR", VAR_DIR / "metrics")
if sys.argv[1:2] in (["ocpp_proxy"], ["ocpp_spool"]):
    # The proxy answers /metrics itself: writing to a file in memory while the disk is full would end it (SIGBUS), and
    # so it would what takes in what it heard.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
else:
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(METRICS_DIR))
