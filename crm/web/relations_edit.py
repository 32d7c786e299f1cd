"""Writing down the relationships with one account: a form a thing, each back to the tab."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services_relations as services
from accounts.departments import department_kind
from accounts.models import (
    Account,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    LevelEvidence,
    RelationshipTarget,
)
from accounts.relationship_rules import courtesy_limit
from accounts.selectors_contacts import contacts_in
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from crm.web.account import AccountPage
from crm.web.editing import SeenMixin, StaleEdit, as_seen, as_seen_once, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.relations import TAB, people_of
from crm.web.relations_forms import (
    CentreForm,
    ContactForm,
    CourtesyForm,
    LevelForm,
    MemberForm,
    NoteForm,
    PartnershipForm,
    PlanForm,
    SeenForm,
    StepForm,
    TargetForm,
    explain,
)
from crm.web.rights import (
    require_add_contact,
    require_approve_courtesy,
    require_change_contact,
    require_change_relations,
    require_write_plan,
)
from plans.models import RelationshipAction, RelationshipPlan
from plans.services_relations import add_relationship_step, save_relationship_plan
from plans.services_work import finish_step

UNPROCESSABLE = 422
REVIEW_MONTHS = 3  # until a new plan is gone through again, unless said otherwise
VERDICTS = {"approve": True, "refuse": False}
Act = Callable[[dict[str, Any]], str]


@signed_in
@require_http_methods(["GET", "POST"])
def edit_contact(request: HttpRequest, pk: int, contact: int | None = None) -> HttpResponse:
    """A person there, new or changed; attitudes go through their own form."""
    (require_add_contact if contact is None else require_change_contact)(request.user)
    page, user = _page(request, pk), user_of(request)
    row = _mine(page, Contact, contact) if contact else Contact(account=page.account)
    people = people_of(page.account, user).exclude(pk=row.pk)
    known = page.account.contacts.exclude(department="").order_by("department").values_list("department", flat=True)
    form = ContactForm(_sent(request), instance=row, people=people, departments=list(known.distinct()))

    def act(form: ContactForm) -> Act:
        def keep(_given: dict[str, Any]) -> str:
            given = form.given()
            if not given["department_kind"]:
                given["department_kind"] = department_kind(given["department"])
            services.save_contact(contact=_again(row), by=user, today=timezone.localdate(), **given)
            return _("Kept.")

        return keep

    title = _("Change a contact") if contact else _("Add a contact")
    lead = _("Who they are, where they stand and whom they report to. Business matters only.")
    return _answer(page, form, act(form), title=title, lead=lead, button=_("Keep"))


@signed_in
@require_http_methods(["GET", "POST"])
def note(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """A new entry in the log of attitudes, with what shows it."""
    require_change_relations(request.user)
    page, user = _page(request, pk), user_of(request)
    row = get_object_or_404(
        people_of(page.account, user) | contacts_in(_only(page), reader=user).select_related("account"), pk=contact
    )
    form = NoteForm(_sent(request), contact=row, today=timezone.localdate())

    def act(given: dict[str, Any]) -> str:
        services.note_attitude(
            contact=row, attitude=given["attitude"], since=given["attitude_since"], evidence=given["evidence"], by=user
        )
        return _("Noted; the next night counts it.")

    title = _("How %(name)s stands to us") % {"name": row.name}
    lead = _("Now: %(attitude)s. What was noted before stays in the log.") % {"attitude": form.now}
    return _answer(page, form, act, row=row, title=title, lead=lead, button=_("Note it"))


@signed_in
@require_http_methods(["GET", "POST"])
def edit_centre(request: HttpRequest, pk: int, centre: int | None = None) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    row = _mine(page, BuyingCentre, centre) if centre else BuyingCentre(account=page.account)
    form = CentreForm(_sent(request), instance=row)

    def act(_given: dict[str, Any]) -> str:
        services.save_centre(centre=_again(row), **form.given())
        return _("Kept.")

    title = _("Change a buying centre") if centre else _("Add a buying centre")
    lead = _("Those who decide together: about a product line, a site, a project.")
    return _answer(page, form, act, title=title, lead=lead, button=_("Keep"))


@signed_in
@require_http_methods(["GET", "POST"])
def new_member(request: HttpRequest, pk: int, centre: int) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    found = _mine(page, BuyingCentre, centre)
    return _member(page, CentreMember(centre=found), _("Add a person to %(centre)s") % {"centre": found.name})


@signed_in
@require_http_methods(["GET", "POST"])
def edit_member(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    row = get_object_or_404(CentreMember.objects.select_related("contact"), pk=member, centre__account=page.account)
    return _member(page, row, _("%(name)s in the decision") % {"name": row.contact.name})


def _member(page: AccountPage, row: CentreMember, title: str) -> HttpResponse:
    user = user_of(page.request)
    form = MemberForm(
        _sent(page.request), instance=row, people=people_of(page.account, user), owner=page.account.owner_id
    )

    def act(_given: dict[str, Any]) -> str:
        services.set_member(centre=row.centre, member=row if row.pk else None, **form.given())
        return _("Kept.")

    lead = _("Roles, how much it weighs, who of us looks after them, and where we want them by when.")
    return _answer(page, form, act, title=title, lead=lead, button=_("Keep"), member=row if row.pk else None)


@signed_in
@require_POST
def remove_member(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    row = get_object_or_404(CentreMember, pk=member, centre__account=page.account)
    return _done(
        page, lambda: services.remove_member(member=row), _("Taken out of the buying centre."),
        row=row, asked=_("take them out"),
    )  # fmt: skip


@signed_in
@require_http_methods(["GET", "POST"])
def new_level(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_relations(request.user)
    page, user = _page(request, pk), user_of(request)
    form = LevelForm(_sent(request), account=page.account, today=timezone.localdate())

    def act(given: dict[str, Any]) -> str:
        services.record_level(account=page.account, by=user, **given)
        return _("Kept.")

    lead = _(
        "An agreement, a plan, a visit of executives, systems linked: what it is, since when, until when it counts."
    )
    return _answer(page, form, act, title=_("Add evidence of a level"), lead=lead, button=_("Keep"))


@signed_in
@require_POST
def end_level(request: HttpRequest, pk: int, evidence: int) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    row, today = _mine(page, LevelEvidence, evidence), timezone.localdate()
    return _done(
        page, lambda: services.end_level(evidence=row, on=today), _("It no longer counts."), row=row, asked=_("end it")
    )


@signed_in
@require_http_methods(["GET", "POST"])
def new_partnership(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_relations(request.user)
    page, user = _page(request, pk), user_of(request)
    form = PartnershipForm(_sent(request), today=timezone.localdate())

    def act(given: dict[str, Any]) -> str:
        services.note_partnership(account=page.account, by=user, **given)
        return _("Kept.")

    lead = _(
        "Satisfied, loyal, a strategic partner: each step with what shows it. What was before stays in the history."
    )
    return _answer(page, form, act, title=_("State of the partnership"), lead=lead, button=_("Keep"))


@signed_in
@require_http_methods(["GET", "POST"])
def edit_targets(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_relations(request.user)
    page = _page(request, pk)
    row = RelationshipTarget.objects.filter(account=page.account).first() or RelationshipTarget(account=page.account)
    form = TargetForm(_sent(request), instance=row)

    def act(_given: dict[str, Any]) -> str:
        services.set_targets(account=page.account, **form.given())
        return _("Kept.")

    lead = _("Only where this account departs from the rule of its grade; what is empty follows the rule.")
    once = RelationshipTarget.objects.filter(account=page.account)
    return _answer(page, form, act, once=once, title=_("Targets for this account"), lead=lead, button=_("Keep"))


@signed_in
@require_http_methods(["GET", "POST"])
def new_courtesy(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_relations(request.user)
    page, user, today = _page(request, pk), user_of(request), timezone.localdate()
    form = CourtesyForm(
        _sent(request), people=contacts_in(_only(page), reader=user), currency=courtesy_limit("gift").currency,
        today=today, user=user,
    )  # fmt: skip

    def act(given: dict[str, Any]) -> str:
        made = services.record_courtesy(given_by=user, today=today, **given)
        return _("Noted; it waits for approval.") if made.state == "waiting" else _("Noted.")

    lead = _("A gift or an invitation and what it was worth. Beyond the limit somebody else must approve it.")
    return _answer(page, form, act, title=_("Note a courtesy"), lead=lead, button=_("Note it"))


@signed_in
@require_POST
def decide_courtesy(request: HttpRequest, pk: int, courtesy: int, verdict: str) -> HttpResponse:
    require_approve_courtesy(request.user)
    if verdict not in VERDICTS:
        raise Http404
    page, user, today = _page(request, pk), user_of(request), timezone.localdate()
    row = get_object_or_404(Courtesy, pk=courtesy, contact__account=page.account)
    is_approved = VERDICTS[verdict]
    return _done(
        page,
        lambda: services.decide_courtesy(courtesy=row, by=user, on=today, is_approved=is_approved),
        _("Approved.") if is_approved else _("Refused."),
        row=row,
        asked=_("approve it") if is_approved else _("refuse it"),
    )


@signed_in
@require_http_methods(["GET", "POST"])
def edit_plan(request: HttpRequest, pk: int) -> HttpResponse:
    require_write_plan(request.user)
    page = _page(request, pk)
    row = RelationshipPlan.objects.filter(account=page.account).first()
    start: dict[str, Any] = {
        "owner": page.account.owner_id,
        "review_on": add_months(timezone.localdate(), REVIEW_MONTHS),
    }
    if row is not None:
        start = {"goal": row.goal, "owner": row.owner_id, "review_on": row.review_on}
    form = PlanForm(_sent(request), initial=start, plan=row)

    def act(given: dict[str, Any]) -> str:
        given.pop("seen")
        save_relationship_plan(account=page.account, **given)
        return _("Kept.")

    lead = _("What we want of the relationships with this customer, who sees to it, and when we go through it again.")
    once = RelationshipPlan.objects.filter(account=page.account)
    return _answer(page, form, act, once=once, title=_("Relationship plan"), lead=lead, button=_("Keep"))


@signed_in
@require_POST
def new_step(request: HttpRequest, pk: int) -> HttpResponse:
    require_write_plan(request.user)
    page, user = _page(request, pk), user_of(request)
    plan = get_object_or_404(RelationshipPlan, account=page.account)
    form = StepForm(request.POST, people=people_of(page.account, user))

    def act() -> object:
        if not form.is_valid():
            raise CrmError(_("Say what the step is and by which day it is due."))
        return add_relationship_step(plan=plan, owner=user, **form.cleaned_data)

    return _done(page, act, _("The step is added; it is yours."))


@signed_in
@require_POST
def tick_step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    """Mark a step as done, or as open again."""
    require_write_plan(request.user)
    page = _page(request, pk)
    row = get_object_or_404(RelationshipAction, pk=step, plan__account=page.account)
    done = None if row.done_on else timezone.localdate()
    return _done(
        page, lambda: finish_step(step=row, on=done), _("Done.") if done else _("The step is open again."),
        row=row, asked=_("mark it as done") if done else _("open it again"),
    )  # fmt: skip


def _page(request: HttpRequest, pk: int) -> AccountPage:
    """Raises Http404 for an account that is hidden or merged away: nothing is written there."""
    if not Account.objects.visible_to(request.user).filter(pk=pk).exists():
        raise Http404
    return AccountPage(request, pk, TAB)


def _only(page: AccountPage) -> Any:
    return Account.objects.filter(pk=page.account.pk)


def _mine(page: AccountPage, model: Any, pk: int) -> Any:
    return get_object_or_404(model, pk=pk, account=page.account)


def _again(row: Any) -> Any:
    """The row as it is stored now, without what the form put into it."""
    return type(row).objects.get(pk=row.pk) if row.pk else type(row)(account=row.account)


def _sent(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _answer(
    page: AccountPage, form: forms.BaseForm, act: Act, *, row: Any = None, once: Any = None, **context: Any
) -> HttpResponse:
    """The page of a form; once it is sent and kept, the tab, else the form again with what is wrong.

    row : what is changed, where the form does not hold it; once : of what an account has one or none
    """
    if form.is_bound and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            with _as_shown(page, form, row, once):
                words = act(given)
        except StaleEdit as stale:
            both = show_both(form, stale)
            return page.render_as("relations/form.html", status=stale.status, form=form, clashes=both, **context)
        except ValidationError as refused:
            explain(form, refused)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(page.request, words)
            return redirect("accounts:relations", page.account.pk)
    status = UNPROCESSABLE if form.is_bound else 200
    return page.render_as("relations/form.html", status=status, form=form, **context)


def _as_shown(page: AccountPage, form: forms.BaseForm, row: Any, once: Any) -> AbstractContextManager[Any]:
    """The row of the form, locked as the page showed it; nothing where the form makes a new one."""
    row = form.instance if row is None and isinstance(form, SeenForm) and form.instance.pk else row
    seen = form.cleaned_data["seen"] if isinstance(form, SeenMixin) else ""
    if once is not None:
        return as_seen_once(once, seen, under=page.account)
    return as_seen(row, seen) if row else nullcontext()


def _done(
    page: AccountPage, act: Callable[[], object], words: str, *, row: Any = None, asked: str = ""
) -> HttpResponse:
    try:
        on_seen(row, page.request.POST, act, asked=asked) if row else act()
    except CrmError as refused:
        messages.error(page.request, str(refused))
    except ValidationError as refused:
        messages.error(page.request, " ".join(refused.messages))
    else:
        messages.success(page.request, words)
    return redirect("accounts:relations", page.account.pk)
