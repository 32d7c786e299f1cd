"""Other people's log-ins, for administrators: who they are, what was tried, what is locked, who is invited, what is asked."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Action
from accounts.enums import UserRole
from accounts.models import Invitation, LoginEvent, LoginRule, OrgUnit, User
from accounts.security import factors, invitations, resets
from accounts.security import people as service
from accounts.security.visitors import Visitor, visitor_of
from accounts.tasks import mail_invitation_task
from crm.lib.exceptions import CrmError
from crm.tasks import send
from crm.web.devices import device_name
from crm.web.doors import site_of
from crm.web.dress import dress
from crm.web.editing import as_seen
from crm.web.htmx import signed_in, user_of

PAGE = 50
UNPROCESSABLE = 422
View = Callable[..., HttpResponse]


def require(request: HttpRequest, action: Action) -> User:
    user = user_of(request)
    if not user.may(action):
        raise PermissionDenied(
            _("Your log-in may not look after the log-ins of others. An administrator can give you that right.")
        )
    return user


@signed_in
@require_GET
def people_list(request: HttpRequest) -> HttpResponse:
    user = require(request, Action.USER_VIEW)
    text = request.GET.get("q", "").replace("\x00", "")[:100]
    page = Paginator(service.people(now=timezone.now(), text=text), PAGE).get_page(request.GET.get("page"))
    context = {"tab": "people", "page": page, "q": text, "may_change": user.may(Action.USER_CHANGE)}
    return render(request, "logins/people.html", context)


@signed_in
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """The whole log; narrowed to a name as typed or a user name, to refusals, and to an address."""
    require(request, Action.USER_VIEW)
    rows = LoginEvent.objects.select_related("user", "actor")
    text, address = (request.GET.get(name, "").replace("\x00", "").strip()[:100] for name in ("q", "address"))
    if text:
        rows = rows.filter(Q(user__username__icontains=text) | Q(username__icontains=text))
    if address:
        rows = rows.filter(address=address) if _is_address(address) else rows.none()
    if request.GET.get("refused"):
        rows = rows.filter(ok=False)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    shown = [(event, device_name(event.agent)) for event in page]
    context = {"tab": "log", "page": page, "rows": shown, "q": text, "address": address, "with_names": True}
    return render(request, "logins/log.html", context | {"refused": bool(request.GET.get("refused"))})


def _is_address(text: str) -> bool:
    try:
        forms.GenericIPAddressField().clean(text)
    except ValidationError:
        return False
    return True


@signed_in
@require_GET
def lock_list(request: HttpRequest) -> HttpResponse:
    user = require(request, Action.USER_VIEW)
    rows = [{"row": row, "until": until, "words": words} for row, until, words in service.locks(now=timezone.now())]
    context = {"tab": "locks", "rows": rows, "may_change": user.may(Action.USER_CHANGE)}
    return render(request, "logins/locks.html", context)


@signed_in
@require_POST
def unlock(request: HttpRequest) -> HttpResponse:
    user = require(request, Action.USER_CHANGE)
    subject = request.POST.get("subject", "").replace("\x00", "")
    done = service.unlock(
        kind=request.POST.get("kind", ""), subject=subject, by=user, visitor=visitor_of(request), now=timezone.now()
    )
    if done:
        messages.success(request, _("The lock is lifted."))
    else:
        messages.info(request, _("There is no such lock any more."))
    return redirect("logins:locks")


def _on_person(
    request: HttpRequest, pk: int, act: Callable[[User, User, Visitor, datetime], Any], said: str
) -> HttpResponse:
    """Do something with somebody's log-in and say so, or why not."""
    by = require(request, Action.USER_CHANGE)
    person = get_object_or_404(User, pk=pk)
    try:
        act(person, by, visitor_of(request), timezone.now())
    except CrmError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, said % {"name": person.display_name})
    return redirect("logins:people")


@signed_in
@require_POST
def switch_off(request: HttpRequest, pk: int) -> HttpResponse:
    return _on_person(
        request,
        pk,
        lambda person, by, visitor, now: service.switch_off(user=person, by=by, visitor=visitor, now=now),
        _("The log-in of %(name)s is switched off; sessions and tokens have ended."),
    )


@signed_in
@require_POST
def switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    return _on_person(
        request,
        pk,
        lambda person, by, visitor, now: service.switch_on(user=person, by=by, visitor=visitor, now=now),
        _("%(name)s may log in again."),
    )


@signed_in
@require_POST
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    return _on_person(
        request,
        pk,
        lambda person, by, visitor, now: service.sign_out(user=person, by=by, visitor=visitor, now=now),
        _("%(name)s is signed out everywhere; tokens have ended too."),
    )


@signed_in
@require_POST
def remove_factors(request: HttpRequest, pk: int) -> HttpResponse:
    def remove(person: User, by: User, visitor: Visitor, now: datetime) -> None:
        service.require_manageable(user=person, by=by)
        factors.remove_all_factors(user=person, by=by, visitor=visitor, now=now)

    return _on_person(
        request, pk, remove, _("The second factor of %(name)s is removed, and every session and token ended.")
    )


@signed_in
@never_cache
@require_POST
def reset_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A link for a new password, to be handed over by whoever can tell that it is the right person."""
    by = require(request, Action.USER_CHANGE)
    person = get_object_or_404(User, pk=pk, is_active=True)
    try:
        service.note_reset_link(user=person, by=by, visitor=visitor_of(request), now=timezone.now())
    except CrmError as problem:
        messages.error(request, str(problem))
        return redirect("logins:people")
    link = site_of(request) + resets.link_path(person)
    return render(request, "logins/link.html", {"person": person, "link": link, "kind": "reset"})


class InviteForm(forms.ModelForm):
    class Meta:
        model = Invitation
        fields = ("email", "first_name", "last_name", "role", "unit", "language")
        labels = {
            "email": gettext_lazy("E-mail"),
            "first_name": gettext_lazy("First name"),
            "last_name": gettext_lazy("Last name"),
            "role": gettext_lazy("Role"),
            "unit": gettext_lazy("Unit"),
            "language": gettext_lazy("Language of the mail"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ModelChoiceField)
        unit.queryset = OrgUnit.objects.order_by("name", "pk")
        dress(self)

    def _post_clean(self) -> None:
        """The rules of the row are asked by the service, which fills in the rest of it."""


@signed_in
@require_GET
def invitation_list(request: HttpRequest) -> HttpResponse:
    user = require(request, Action.USER_VIEW)
    now = timezone.now()
    rows = Invitation.objects.select_related("invited_by", "user", "unit")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    shown = [(row, _invitation_state(row, now)) for row in page]
    context = {"tab": "invitations", "page": page, "rows": shown, "may_invite": user.may(Action.USER_ADD)}
    return render(request, "logins/invitations.html", context)


def _invitation_state(row: Invitation, now: datetime) -> str:
    if row.used_at:
        return "used"
    if row.withdrawn_at:
        return "withdrawn"
    return "open" if row.is_open(now) else "expired"


@signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    by = require(request, Action.USER_ADD)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = invitations.invite(**form.cleaned_data, by=by, visitor=visitor_of(request), now=timezone.now())
        except CrmError as problem:
            form.add_error("email", str(problem))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            send(mail_invitation_task, invitation_id=made.pk, base=site_of(request))
            return _show_link(request, made)
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "logins/invite.html", {"form": form}, status=status)


def _show_link(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    link = site_of(request) + invitations.link_path(invitation)
    context = {"invitation": invitation, "link": link, "kind": "invitation", "mails": settings.MAIL_IS_SENT}
    return render(request, "logins/link.html", context)


@signed_in
@never_cache
@require_POST
def invitation_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the link of an open invitation again, to be handed over by another way than mail."""
    require(request, Action.USER_ADD)
    found = get_object_or_404(Invitation, pk=pk)
    if not found.is_open(timezone.now()):
        messages.error(request, _("This invitation is not open any more. Invite anew."))
        return redirect("logins:invitations")
    return _show_link(request, found)


@signed_in
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    by = require(request, Action.USER_ADD)
    found = get_object_or_404(Invitation, pk=pk)
    try:
        invitations.withdraw(invitation=found, by=by, visitor=visitor_of(request), now=timezone.now())
    except CrmError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("The invitation is withdrawn; its link is worth nothing."))
    return redirect("logins:invitations")


class RuleForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("These roles need a second factor"),
        choices=UserRole.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@signed_in
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest) -> HttpResponse:
    by = require(request, Action.USER_CHANGE if request.method == "POST" else Action.USER_VIEW)
    current = LoginRule.current()
    form = RuleForm(request.POST if request.method == "POST" else None, initial={"roles": current.second_factor_roles})
    status = 200
    if request.method == "POST" and form.is_valid():
        roles, visitor, now = form.cleaned_data["roles"], visitor_of(request), timezone.now()
        try:
            with as_seen(
                LoginRule.objects.filter(pk=1), request.POST.get("seen", ""),
                asked=roles_in_words(roles), words=lambda rows: roles_in_words(rows[0].second_factor_roles if rows else []),
            ):  # fmt: skip
                factors.require_of(roles=roles, by=by, visitor=visitor, now=now)
        except CrmError as refused:
            form.add_error("roles", str(refused))
            status, current = refused.status, LoginRule.current()
        else:
            messages.success(request, _("The rule counts from now on."))
            return redirect("logins:rule")
    context = {"tab": "rule", "form": form, "rule": current, "may_change": by.may(Action.USER_CHANGE)}
    context["stored"] = [current] if current.pk else []
    return render(request, "logins/rule.html", context, status=status)


def roles_in_words(roles: list[str]) -> str:
    return ", ".join(str(UserRole(role).label) for role in sorted(roles)) or _("none")
