"""Small choices of a reader: scope, short forms of numbers, language. Each is a POST that leads back."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as django_set_language

from accounts.models import User
from crm.web.htmx import signed_in
from crm.web.scope import SCOPES, SESSION_SCOPE, SESSION_UNITS, UNITS


def back_to(request: HttpRequest, fallback: str = "/") -> str:
    """The address a form asked to return to, if it is ours."""
    wanted = request.POST.get("next") or request.headers.get("Referer", "")
    allowed = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and allowed else fallback


@signed_in
@require_POST
def set_scope(request: HttpRequest) -> HttpResponse:
    if request.POST.get("scope") in SCOPES:
        request.session[SESSION_SCOPE] = request.POST["scope"]
    return HttpResponseRedirect(back_to(request))


@signed_in
@require_POST
def set_units(request: HttpRequest) -> HttpResponse:
    if request.POST.get("units") in UNITS:
        request.session[SESSION_UNITS] = request.POST["units"]
    return HttpResponseRedirect(back_to(request))


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Django's switch (a cookie), and the choice is kept with the user for the next device."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and check_for_language(chosen):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return django_set_language(request)
