"""One search for accounts, pages and actions: the dialog of Ctrl K, and the same as a page."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import Account
from accounts.search import fold
from crm.web.context import NAVIGATION
from crm.web.htmx import page_or_fragment, signed_in

MOST_ACCOUNTS = 8
MOST_ACCOUNTS_ON_PAGE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A page or an action one can jump to; ``words`` are further words it answers to."""

    label: Any
    path: str
    icon: str
    kind: Any
    words: str = ""


def places(request: HttpRequest) -> list[Place]:
    """The pages and actions this user has."""
    page, action = _("Page"), _("Action")
    found = [Place(label, path, icon, page) for label, path, icon in NAVIGATION]
    found.append(Place(_("Import revenue"), "/imports/new/", "upload", action, "csv xlsx 导入 匯入"))
    for grade, label in (("problem", _("Accounts with a problem")), ("diamond", _("Diamond accounts"))):
        found.append(Place(label, f"{reverse('accounts:list')}?grade={grade}", "building", page, grade))
    found.append(Place(_("Change password"), reverse("password_change"), "key", action, "密码 密碼"))
    found.append(Place(_("Organisation"), reverse("organisation:index"), "sitemap", page, "units 组织 組織"))
    found.append(Place(_("Who may do what"), reverse("access:table"), "scale", page, "rights roles 权限 權限"))
    if request.user.is_staff:
        found.append(Place(_("Admin"), reverse("admin:index"), "settings", page, "admin 管理"))
    return found


@signed_in
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    wanted = fold(text)
    everything = places(request)
    found = [place for place in everything if wanted in fold(f"{place.label} {place.words}")] if wanted else everything
    most = MOST_ACCOUNTS if request.headers.get("HX-Request") else MOST_ACCOUNTS_ON_PAGE
    accounts = []
    if wanted:
        visible = Account.objects.visible_to(request.user).search(wanted).order_by("sort_key", "pk")
        accounts = list(visible.only("pk", "code", "name", "latin_name", "grade")[:most])
    context = {"text": text, "accounts": accounts, "places": found}
    return page_or_fragment(request, "search.html", "ui/_search_results.html", context)
