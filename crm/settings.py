"""All settings, 12-factor: every value comes from the environment, with defaults that need nothing but Python."""

import logging
import os
import sys
from datetime import timedelta
from pathlib import Path

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from crm import admin_menu, embedded, logs
from crm.lib import env as read_env
from crm.lib import identity, outbound

# Fits here have three or four parameters: waking BLAS threads takes ten times as long as the fit itself. Read by numpy
# when it is first imported, which no module does at start-up.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("FACET_VAR", default=str(BASE_DIR / "var")))
TESTING = "pytest" in sys.modules

# --- Engines: a URL given wins, else the embedded ones (names follow from the path; nothing starts here) ---
ENGINES = embedded.urls(VAR_DIR)
EMBEDDED_DATABASE = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
_database = read_env.read(
    env, "DATABASE_URL", "", "postgres://user:password@host:port/name", read_env.url("postgres", "postgresql")
)
DATABASES = {"default": env.db_url_config(_database or ENGINES.database)}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
# What PostgreSQL ends by itself, by the role a process takes on (crm.roles); commands wait as long as it takes. The
# web server gives up before gunicorn does, so that the answer is ours; a worker's statement ends within its task.
DATABASE_LIMITS = {
    "web": {"statement_timeout": "75s", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "5min"},
    "worker": {"statement_timeout": "14min", "lock_timeout": "10min", "idle_in_transaction_session_timeout": "10min"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_redis = read_env.read(env, "REDIS_URL", "", "redis://host:port", read_env.url("redis", "rediss"))
CELERY_BROKER_URL = read_env.with_path(_redis, "/0") if _redis else ENGINES.broker
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": read_env.with_path(_redis, "/1") if _redis else ENGINES.cache,
        "KEY_PREFIX": "facet",
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Mode and secrets ---
DEBUG = read_env.read(env, "DEBUG", "0", "0 or 1", read_env.flag)
HTTPS_ONLY = read_env.read(env, "HTTPS_ONLY", "0", "0 or 1", read_env.flag)
DEMO = read_env.read(env, "DEMO", "0", "0 or 1", read_env.flag) and EMBEDDED_DATABASE
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not EMBEDDED_DATABASE and not DEBUG and not TESTING:
        read_env.refuse("SECRET_KEY", "", "a long random text in production mode (DATABASE_URL set and DEBUG 0)")
    SECRET_KEY = embedded.secret_key(VAR_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- The company ---
REVENUE_BASES = ("signed", "ordered", "invoiced", "recognised", "cash")  # those of accounts.enums.RevenueBasis
BASE_CURRENCY = read_env.read(env, "BASE_CURRENCY", "CNY", "an ISO 4217 code such as CNY", read_env.currency)
FISCAL_YEAR_START_MONTH = read_env.read(
    env, "FISCAL_YEAR_START_MONTH", "1", "a month number from 1 to 12", read_env.month_number
)
REVENUE_BASIS = read_env.read(
    env, "REVENUE_BASIS", "invoiced", "signed, ordered, invoiced, recognised or cash", read_env.one_of(*REVENUE_BASES)
)
NIGHTLY_AT = read_env.read(env, "NIGHTLY_AT", "02:30", "a local time such as 02:30", read_env.clock)

# --- Applications ---
INSTALLED_APPS = [
    "crm",
    "plans",
    "tiering",
    "metrics",
    "service",
    "accounts",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "accounts.backends.RoleBackend"]
MIDDLEWARE = [
    "crm.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.api.middleware.ProblemMiddleware",
    "csp.middleware.CSPMiddleware",
    "crm.web.middleware.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "crm.web.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "crm.web.bodies.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.web.session_watch.SessionWatchMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.trail.signature.SignatureMiddleware",
    "crm.web.middleware.StorableMiddleware",
    "crm.web.middleware.AccessMiddleware",
    "crm.web.middleware.SnapshotMiddleware",
    "crm.web.middleware.WallMiddleware",
]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.web.context.frame",
            ],
        },
    }
]
# allauth gives the second factors and single sign-on; its own pages and addresses are not mounted.
MFA_ADAPTER = "accounts.security.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # the half minute before and after: clocks differ, and people type slowly
ACCOUNT_RATE_LIMITS = False  # the limits are ours, counted in the database
PASSWORD_RESET_TIMEOUT = 2 * 3600  # seconds
# Single sign-on: off until an issuer is given.
OIDC_ISSUER = read_env.read(
    env, "OIDC_ISSUER", "", "the https:// address of an OpenID Connect issuer, as it writes itself", read_env.issuer
)
OIDC_CLIENT_ID, OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_ID", default=""), env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="") or "OpenID Connect"
OIDC_LINK_BY_EMAIL = read_env.read(env, "OIDC_LINK_BY_EMAIL", "0", "0 or 1", read_env.flag)
OIDC_SIGN_UP = read_env.read(env, "OIDC_SIGN_UP", "0", "0 or 1", read_env.flag)
SOCIALACCOUNT_ADAPTER = "crm.web.sso.SocialAdapter"
for _name, _value in (("OIDC_CLIENT_ID", OIDC_CLIENT_ID), ("OIDC_CLIENT_SECRET", OIDC_CLIENT_SECRET)):
    if OIDC_ISSUER and not _value:
        read_env.refuse(_name, "", "what your identity provider gave for this site, where OIDC_ISSUER is set")
SOCIALACCOUNT_PROVIDERS = identity.provider_settings(
    issuer=OIDC_ISSUER, client_id=OIDC_CLIENT_ID, secret=OIDC_CLIENT_SECRET, name=OIDC_NAME
)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["accounts.hashers.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
if TESTING:  # one good hash takes a twentieth of a second, every test user one
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
# How many proxies of ours a request passes; the address written down is what the outermost one saw.
TRUSTED_PROXIES = read_env.read(env, "TRUSTED_PROXIES", "0", "a number of proxies from 0 to 9", read_env.between(0, 9))

# --- Language and time ---
LANGUAGE_CODE = read_env.read(
    env, "LANGUAGE_CODE", "en", "en, zh-hans or zh-hant", read_env.one_of("en", "zh-hans", "zh-hant")
)
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese")), ("zh-hant", _("Traditional Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = read_env.read(env, "TIME_ZONE", "Asia/Shanghai", "an IANA zone such as Asia/Shanghai", read_env.zone)
USE_TZ = True
USE_I18N = True

# --- Mail: as files under var/mail until a server is given ---
_mail = read_env.read(
    env, "EMAIL_URL", "", "smtp://user:password@host:port, smtp+tls://... or smtp+ssl://host:port",
    read_env.url("smtp", "smtp+tls", "smtp+ssl"),
)  # fmt: skip
MAIL_IS_SENT = bool(_mail)
EMAIL_BACKEND, EMAIL_FILE_PATH = "django.core.mail.backends.filebased.EmailBackend", str(VAR_DIR / "mail")
if _mail:
    globals().update(env.email_url_config(_mail))
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = read_env.read(
    env, "MAIL_FROM", "facet@localhost", "an e-mail address such as facet@example.com", read_env.mail_address
)

# --- Mail that comes in: none until its domain is given (manage.py receive_mail, you/mail/) ---
MAIL_IN_DOMAIN = read_env.read(
    env, "MAIL_IN_DOMAIN", "", "a domain such as crm.example.com, whose mail server hands on to receive_mail",
    read_env.mail_domain,
)  # fmt: skip
MAIL_IN_MAX_MB = read_env.read(env, "MAIL_IN_MAX_MB", "25", "a number of MB from 1 to 200", read_env.between(1, 200))

# --- Files ---
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = EMBEDDED_DATABASE or DEBUG
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
MEDIA_URL = "media/"
# Where each head of the trail's hash chain is noted, outside the database (crm.trail.chain).
TRAIL_HEADS = MEDIA_ROOT / "trail-heads.log"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED_DATABASE or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Files of interactions lie below MEDIA_ROOT; MEDIA_URL is served by nobody (service.storage, crm.web.files).
ATTACHMENT_MAX_MB = read_env.read(
    env, "ATTACHMENT_MAX_MB", "20", "a number of MB from 1 to 500", read_env.between(1, 500)
)
ATTACHMENTS_PER_INTERACTION = read_env.read(
    env, "ATTACHMENTS_PER_INTERACTION", "20", "a number of files from 1 to 200", read_env.between(1, 200)
)
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# --- Security ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "crm.web.errors.csrf_failure"
if HTTPS_ONLY:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- Calls to other systems: none unless switched on, and then to public addresses alone (crm.lib.outbound) ---
OUTBOUND = outbound.Door(
    is_open=read_env.read(env, "OUTBOUND", "0", "0 or 1", read_env.flag),
    private_hosts=outbound.hosts(env.list("OUTBOUND_PRIVATE_HOSTS", default=[])),
)

# --- Jobs: the database says what is due, beat only wakes ---
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = read_env.read(
    env, "CELERY_SOFT_SHUTDOWN_SECONDS", "60", "a number of seconds", float
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900, "global_keyprefix": "facet:"}
CELERY_TASK_PUBLISH_RETRY = False
# Each kind of work has its queue. What people start and what may take long (files, replays of the past) has workers of
# its own: it never holds up a night.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "crm.tasks.nightly_task": {"queue": "nights"},
    "accounts.import_batch": {"queue": "imports"},
    "crm.tasks.backtest_task": {"queue": "imports"},
    "crm.tasks.webhooks_task": {"queue": "imports"},  # a receiver that does not answer holds up no night
}
# Seconds. The soft limit ends the work with its reason on the row, the hard one kills what does not listen; the tick
# finds either and tries again, three times in all. A message that comes again meanwhile finds the lease taken.
NIGHT_LIMITS = {"soft_time_limit": 900, "time_limit": 960}
IMPORT_LIMITS = {"soft_time_limit": 1800, "time_limit": 1860}
OTHER_LIMITS = {"soft_time_limit": 600, "time_limit": 660}
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = OTHER_LIMITS["soft_time_limit"], OTHER_LIMITS["time_limit"]
CELERY_TASK_ANNOTATIONS = {
    "crm.tasks.nightly_task": NIGHT_LIMITS,
    "accounts.import_batch": IMPORT_LIMITS,
    "crm.tasks.backtest_task": IMPORT_LIMITS,
}
CELERY_BEAT_SCHEDULE = {
    "retier-nightly": {
        "task": "crm.tasks.nightly_task",
        "schedule": crontab(hour=str(NIGHTLY_AT.hour), minute=str(NIGHTLY_AT.minute)),
    },
    "tick": {"task": "crm.tasks.tick_task", "schedule": 60.0},
}

# --- REST ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.auth.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["crm.api.policy.PolicyPermission"],
    "DEFAULT_RENDERER_CLASSES": ["crm.api.renderers.FieldRulesRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.Schema",
    "DEFAULT_FILTER_BACKENDS": ["crm.api.filters.StrictFilterBackend", "crm.api.filters.SearchAndOrderBackend"],
    "DEFAULT_PAGINATION_CLASS": "crm.api.paging.Paging",
    "EXCEPTION_HANDLER": "crm.api.errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Facet",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["crm.api.policy.PolicyPermission"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_SUFFIX": "",
    "ENUM_NAME_OVERRIDES": {
        **{
            name: f"accounts.enums.{name}"
            for name in [
                "AccountSize",
                "AccountStatus",
                "Attitude",
                "BatchState",
                "ContractStatus",
                "CreditNotes",
                "EvaluatorFunction",
                "Grade",
                "RateKind",
                "RatingIndicator",
                "RevenueBasis",
                "RevenueKind",
                "TeamRole",
                "UserRole",
            ]
        },
        **{
            name: f"accounts.enums_relations.{name}"
            for name in [
                *("ChainRole", "ContactLevel", "CourtesyKind", "CourtesyState", "DepartmentKind", "Layer"),
                *("OrganisationalLevel", "Partnership"),
            ]
        },
        **{
            name: f"tiering.enums.{name}"
            for name in [
                "BandVerdict",
                "DimensionCode",
                "IndicatorCode",
                "ModelState",
                "OverrideReason",
                "Preset",
                "ProblemVerdict",
                "QuarantineReason",
                "RunState",
                "RunTrigger",
            ]
        },
        **{
            name: f"service.enums.{name}"
            for name in [
                *("InteractionKind", "InteractionPurpose", "RequestKind", "RequestState", "RequestStepKind"),
                *("Severity", "SponsorKind"),
            ]
        },
        **{name: f"accounts.enums_logins.{name}" for name in ["LoginEventKind", "LoginReason"]},
        "TokenScope": "accounts.security.tokens.SCOPE_CHOICES",
        "Purpose": "accounts.enums.EffortPurpose",
        "GradeCondition": "tiering.enums.Rule",
        "PromiseLevel": "plans.enums.Level",
        "PromisePeriod": "plans.enums.Span",
        "RemediationOutcome": "plans.enums.Outcome",
        **{name: f"plans.enums.{name}" for name in ["CaseEvent", "PolicyState", "PromiseState", "PromiseType"]},
        **{name: f"plans.enums_team.{name}" for name in ["MoveRule", "TaskOutcome", "TeamGap"]},
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crm.api.schema.describe_shared_rules",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "validatorUrl": None,
        "docExpansion": "none",
        "defaultModelsExpandDepth": -1,
    },
}
API_TOKEN_MAX_DAYS = read_env.read(
    env, "API_TOKEN_MAX_DAYS", "365", "a number of days from 1 to 3650", read_env.between(1, 3650)
)
KNOX_TOKEN_MODEL = "accounts.AccessToken"  # noqa: S105 - the name of a table
REST_KNOX = {"TOKEN_TTL": timedelta(days=API_TOKEN_MAX_DAYS), "AUTH_HEADER_PREFIX": "Bearer"}

# --- Admin ---
UNFOLD = admin_menu.UNFOLD

# --- Logs ---
LOG_LEVEL = read_env.read(
    env,
    "LOG_LEVEL",
    "INFO",
    "DEBUG, INFO, WARNING or ERROR",
    read_env.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
)
LOGGING = logs.configure(level=LOG_LEVEL, as_json=not (DEBUG or EMBEDDED_DATABASE))
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # crm.logs has checked it
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # the line at the end says all of it
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
