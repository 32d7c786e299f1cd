"""Single sign-on by OpenID Connect: off until OIDC_ISSUER is set; what is believed says accounts.security.oidc."""

import secrets
from typing import Any

import requests
import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.enums_logins import LoginEventKind, LoginReason
from accounts.security import oidc
from accounts.security.errors import LoginRefused
from accounts.security.events import record
from accounts.security.visitors import visitor_of
from crm.lib.identity import is_safe_address, provider_id
from crm.lib.wall import beyond_the_wall
from crm.web.auth import enter
from crm.web.htmx import signed_in, user_of
from crm.web.you import UNPROCESSABLE, ConfirmForm, security_page

TIMEOUT_SECONDS = 5
MOST_BYTES = 1_000_000
REMEMBERED_SECONDS = 300
log = structlog.get_logger(__name__)


class CarefulSession(requests.Session):
    """To the identity provider and nowhere else: no redirect, no proxy of the environment, no endless answer."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        address = url.decode() if isinstance(url, bytes) else url
        if not is_safe_address(address):
            raise requests.exceptions.InvalidURL("no HTTPS address")
        kwargs |= {"timeout": TIMEOUT_SECONDS, "allow_redirects": False, "stream": True}
        response = super().request(str(method), address, *args, **kwargs)
        if response.is_redirect:
            raise requests.exceptions.TooManyRedirects("the identity provider redirects")
        content = response.raw.read(MOST_BYTES + 1, decode_content=True)
        if len(content) > MOST_BYTES:
            raise requests.exceptions.InvalidHeader("the answer is too long")
        response._content = content  # noqa: SLF001 - what requests itself fills when it reads without a limit
        response._content_consumed = True  # noqa: SLF001
        return response


class OidcAdapter(OpenIDConnectOAuth2Adapter):
    """allauth's, with every answer of the provider checked."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("sso_callback", args=[self.provider_id]))

    @property
    def openid_config(self) -> dict[str, Any]:
        return self._document(self.get_provider().server_url, check=True)

    def _document(self, url: str, *, check: bool = False) -> dict[str, Any]:
        """A JSON object of the provider's, remembered for five minutes once it has passed."""
        name = f"oidc:{url}"
        found = cache.get(name)
        if found is None:
            with get_adapter().get_requests_session() as session:
                answer = session.get(url)
                answer.raise_for_status()
                found = answer.json()
            if not isinstance(found, dict):
                raise OAuth2Error("no JSON object")
            if check:
                self._believed(lambda: oidc.check_configuration(found, issuer=settings.OIDC_ISSUER))
            cache.set(name, found, REMEMBERED_SECONDS)
        return found

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        """The identity behind the answer; raises OAuth2Error where it cannot be believed."""
        if not token.token:
            raise OAuth2Error("no access token")
        claims = self._believed(
            lambda: oidc.claims_of(
                kwargs["response"].get("id_token"),
                keys=self._document(self.openid_config["jwks_uri"]),
                issuer=settings.OIDC_ISSUER,
                client_id=app.client_id,
            )
        )
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            told = self._fetch_user_info(token.token)
            if told.get("sub") != claims["sub"]:
                raise OAuth2Error("userinfo is about somebody else")
            claims |= {name: told[name] for name in told if name not in claims}
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    @staticmethod
    def _believed(check: Any) -> Any:
        try:
            return check()
        except oidc.UntrustedAnswer as error:
            raise OAuth2Error(str(error)) from error


class SocialAdapter(DefaultSocialAccountAdapter):
    """Where allauth hands over: after the identity is known, and where something went wrong."""

    def get_requests_session(self) -> requests.Session:
        return CarefulSession()

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Never returns: what follows is ours, so that no page of allauth's is reached."""
        raise ImmediateHttpResponse(_arrive(request, sociallogin))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        raise ImmediateHttpResponse(_refuse(request, cause=str(exception or error)))


def _refuse(request: HttpRequest, *, cause: str) -> HttpResponse:
    """Back to the log-in; the reader is told what to do, the log what it was."""
    log.warning("sso_refused", cause=cause)
    record(
        LoginEventKind.SSO, now=timezone.now(), reason=LoginReason.PROVIDER, visitor=visitor_of(request), detail=cause
    )
    messages.error(request, _("Single sign-on did not work. Try again, or log in by password."))
    return redirect("login")


def _arrive(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    now, visitor, state = timezone.now(), visitor_of(request), sociallogin.state
    claims = sociallogin.account.extra_data["id_token"]
    asked = state.get("data") or {}
    try:
        oidc.require_nonce(claims, asked.get("nonce"))
    except oidc.UntrustedAnswer as error:
        return _refuse(request, cause=str(error))
    try:
        if asked.get("link_to") is not None:
            return _link(request, sociallogin.account, asked["link_to"])
        user = oidc.user_of_identity(claims=claims, account=sociallogin.account, visitor=visitor, now=now)
    except LoginRefused as refused:
        known = sociallogin.account.user if sociallogin.account.pk else None
        record(LoginEventKind.SSO, now=now, user=known, reason=refused.reason, visitor=visitor)
        messages.error(request, str(refused))
        return redirect("login")
    return enter(request, user, to=state.get("next") or "/", way=LoginEventKind.SSO)


def _link(request: HttpRequest, account: SocialAccount, user_id: int) -> HttpResponse:
    """Who began to link an identity has to be who comes back with it."""
    if not request.user.is_authenticated or request.user.pk != user_id:
        return _refuse(request, cause="linking was begun by somebody else")
    try:
        oidc.link_identity(user=user_of(request), account=account, visitor=visitor_of(request), now=timezone.now())
    except LoginRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Linked. You can log in with it from now on."))
    return redirect("you:security")


def _begin(request: HttpRequest, *, to: str, data: dict[str, Any]) -> HttpResponse:
    """To the identity provider, with a state, a nonce and a PKCE challenge that this browser alone can answer for."""
    nonce = secrets.token_urlsafe(32)
    adapter = OidcAdapter(request, provider_id(settings.OIDC_ISSUER))
    provider = adapter.get_provider()
    pkce = provider.get_pkce_params()
    verifier = pkce.pop("code_verifier")
    try:
        address = adapter.authorize_url
        client = adapter.get_client(request, provider.app)
    except (OAuth2Error, requests.RequestException, ValueError, KeyError) as error:
        return _refuse(request, cause=f"{type(error).__name__}: {error}")
    client.state = provider.stash_redirect_state(
        request, "login", next_url=to, data={"nonce": nonce, **data}, pkce_code_verifier=verifier
    )
    return HttpResponseRedirect(client.get_redirect_url(address, provider.get_scope(), {"nonce": nonce, **pkce}))


def _require_on() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Log in with the company's identity. A plain link: our policy lets no form post to another site."""
    _require_on()
    if request.user.is_authenticated:
        return redirect("/")
    wanted = request.GET.get("next", "")
    inside = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return _begin(request, to=wanted if inside and wanted.startswith("/") else "/", data={})


@signed_in
@never_cache
@require_GET
@beyond_the_wall("the way to the identity provider rests on a row with a secret, of which the browser gets nothing")
def connect(request: HttpRequest) -> HttpResponse:
    """Link the company's identity to the log-in in hand."""
    _require_on()
    return _begin(request, to=reverse("you:security"), data={"link_to": user_of(request).pk})


@never_cache
@require_GET
def callback(request: HttpRequest, key: str) -> HttpResponseBase:
    """The provider sends the browser back here."""
    _require_on()
    if key != provider_id(settings.OIDC_ISSUER):
        raise Http404
    try:
        return OAuth2CallbackView.adapter_view(OidcAdapter(request, key))(request)
    except (ValueError, KeyError, TypeError) as error:  # an answer that is no JSON, or lacks what it must hold
        return _refuse(request, cause=f"{type(error).__name__}: {error}")


@signed_in
@sensitive_post_parameters()
@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    account = get_object_or_404(SocialAccount.objects.filter(user=user), pk=pk)
    confirm = ConfirmForm(request, request.POST)
    if not confirm.is_valid():
        return security_page(request, status=UNPROCESSABLE, confirm=confirm, opened=f"identity-{account.pk}")
    try:
        oidc.unlink_identity(user=user, account=account, visitor=visitor_of(request), now=timezone.now())
    except LoginRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The identity opens this log-in no longer."))
    return redirect("you:security")
