"""Values of log-ins: what happened, and why something was refused or ended."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LoginEventKind(TextChoices):
    """What the log of log-ins tells; a refused try has a reason beside it."""

    PASSWORD = "password", _("password")
    SECOND_FACTOR = "second_factor", _("second factor")
    SSO = "sso", _("single sign-on")
    TOKEN = "token", _("API token")
    SIGNED_OUT = "signed_out", _("signed out")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    RESET_ASKED = "reset_asked", _("new password asked for")
    RESET_DONE = "reset_done", _("password set by link")
    INVITED = "invited", _("invited")
    INVITATION_WITHDRAWN = "uninvited", _("invitation withdrawn")
    JOINED = "joined", _("joined by invitation")
    FACTOR_ADDED = "factor_added", _("second factor set up")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    CODES_MADE = "codes_made", _("recovery codes made")
    TOKEN_MADE = "token_made", _("token made")
    TOKEN_REVOKED = "token_revoked", _("token revoked")
    UNLOCKED = "unlocked", _("lock lifted")
    SWITCHED_OFF = "switched_off", _("log-in switched off")
    SWITCHED_ON = "switched_on", _("log-in switched on")
    RULE_CHANGED = "rule_changed", _("rule of the second factor changed")


class LoginReason(TextChoices):
    """Why a try was refused; empty where it was not."""

    WRONG = "wrong", _("name or password wrong")
    OFF = "off", _("log-in is switched off")
    LOCKED_USER = "locked_user", _("too many wrong tries for this name")
    LOCKED_ADDRESS = "locked_address", _("too many wrong tries from this address")
    WRONG_CODE = "wrong_code", _("wrong code")
    LOCKED_CODE = "locked_code", _("too many wrong codes")
    EXPIRED = "expired", _("expired")
    OWNER_CHANGED = "owner_changed", _("password or rights changed since")
    NOT_LINKED = "not_linked", _("nobody here belongs to this identity")
    PROVIDER = "provider", _("the identity provider's answer could not be trusted")


class SessionEnd(TextChoices):
    """Why a session is over; empty while it lasts."""

    LOGOUT = "logout", pgettext_lazy("of a session", "logged out")
    BY_USER = "by_user", _("signed out from another device")
    BY_ADMINISTRATOR = "by_admin", _("signed out by an administrator")
    PASSWORD = "password", _("password changed")
    OFF = "off", _("log-in switched off")
    RIGHTS = "rights", _("rights taken away")
    FACTOR = "factor", _("second factor changed")
    REPLACED = "replaced", _("logged in anew")
