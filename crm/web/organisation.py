"""The sales organisation: the tree, one unit, and what administrators change in it. Visibility follows at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import organisation
from accounts.access import Action, Reach, Role
from accounts.locks import org_lock
from accounts.models import Account, OrgUnit, User
from accounts.selectors_org import organisation as tree_of
from accounts.selectors_org import path_to
from crm.lib.exceptions import CrmError
from crm.web.dress import dress
from crm.web.editing import CONFLICT, Clash, SeenMixin, StaleEdit, as_seen, show_both
from crm.web.htmx import signed_in, user_of

PAGE = 50
UNPROCESSABLE = 422


class UnitForm(SeenMixin, forms.ModelForm):
    """The service writes and judges; loops and levels are its words."""

    class Meta:
        model = OrgUnit
        fields = ("name", "level", "parent", "head")
        help_texts = {
            "parent": gettext_lazy("Empty: it stands at the top."),
            "head": gettext_lazy(
                "With the role of a manager the head sees the accounts of everybody placed here and below."
            ),
        }

    def __init__(self, *args: Any, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember(self.instance)
        parent, head = self.fields["parent"], self.fields["head"]
        assert isinstance(parent, forms.ModelChoiceField)
        assert isinstance(head, forms.ModelChoiceField)
        parent.queryset = OrgUnit.objects.visible_to(viewer)
        head.queryset = User.objects.filter(is_active=True) | User.objects.filter(pk=self.instance.head_id or 0)
        dress(self)

    def given(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in organisation.FIELDS}

    def _post_clean(self) -> None:
        """The rules of the row are asked by the service, under the lock of the tree."""


class PeopleForm(forms.Form):
    """Who is put in; beside each name stands where they are placed now."""

    people = forms.ModelMultipleChoiceField(
        User.objects.none(), label=gettext_lazy("People"), widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=gettext_lazy("Whoever is placed elsewhere moves here. Hold Ctrl or ⌘ to choose several."),
    )  # fmt: skip

    def __init__(self, *args: Any, unit: OrgUnit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = self.fields["people"]
        assert isinstance(people, forms.ModelMultipleChoiceField)
        people.queryset = User.objects.filter(is_active=True).exclude(unit=unit).select_related("unit")
        people.label_from_instance = _name_and_place  # type: ignore[method-assign]
        dress(self)


class MoveForm(forms.Form):
    people = forms.ModelMultipleChoiceField(
        User.objects.none(), error_messages={"required": gettext_lazy("Tick somebody.")}
    )
    into = forms.ModelChoiceField(
        OrgUnit.objects.none(), label=gettext_lazy("To"), required=False, empty_label=gettext_lazy("no unit")
    )

    def __init__(self, *args: Any, unit: OrgUnit, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people, into = self.fields["people"], self.fields["into"]
        assert isinstance(people, forms.ModelMultipleChoiceField)
        assert isinstance(into, forms.ModelChoiceField)
        people.queryset = User.objects.all()
        into.queryset = OrgUnit.objects.visible_to(viewer).exclude(pk=unit.pk)
        dress(self)


def _name_and_place(user: User) -> str:
    return f"{user.display_name} ({user.unit})" if user.unit else user.display_name


def _unit(request: HttpRequest, pk: int) -> OrgUnit:
    """Raises Http404 for a unit that the reader does not see."""
    rows = OrgUnit.objects.visible_to(request.user).select_related("parent", "head")
    return get_object_or_404(rows, pk=pk)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    nodes = tree_of(user)
    context = {
        "tab": "tree",
        "nodes": nodes,
        "top": path_to(nodes[0].unit) if nodes else [],
        "unplaced": User.objects.filter(is_active=True, unit=None).count() if user.reach is Reach.ALL else None,
        "sees_all": user.reach is Reach.ALL,
        "may_change": user.may(Action.ORG_CHANGE),
    }
    return render(request, "organisation/index.html", context)


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _unit(request, pk))


def _show(request: HttpRequest, unit: OrgUnit, *, wrong: forms.Form | None = None) -> HttpResponse:
    user, nodes = user_of(request), tree_of(user_of(request))
    seen = {node.unit.pk for node in nodes}
    people = Paginator(unit.people.order_by("-is_active", "username", "pk"), PAGE).get_page(request.GET.get("page"))
    may_change = user.may(Action.ORG_CHANGE)
    context = {
        "unit": unit,
        "node": next(node for node in nodes if node.unit.pk == unit.pk),
        "children": [node for node in nodes if node.unit.parent_id == unit.pk],
        "path": [(one, one.pk in seen) for one in path_to(unit)],
        "page": people,
        "sight": head_sight(unit, user),
        "may_change": may_change,
        "form": wrong if isinstance(wrong, PeopleForm) else PeopleForm(unit=unit),
        "move": wrong if isinstance(wrong, MoveForm) else MoveForm(unit=unit, viewer=user),
    }
    return render(request, "organisation/unit.html", context, status=UNPROCESSABLE if wrong else 200)


def head_sight(unit: OrgUnit, viewer: User) -> dict[str, Any] | None:
    """Whether the head sees the accounts of the unit, and how many the head sees in all; None without a head, and for
    readers who do not see every account themselves."""
    head = unit.head
    if head is None or viewer.reach is not Reach.ALL:
        return None
    by_unit = head.is_active and head.effective_role is Role.MANAGER
    accounts = Account.objects.visible_to(head).count() if head.is_active else 0
    return {"by_unit": by_unit, "accounts": accounts, "all": head.is_active and head.reach is Reach.ALL}


@signed_in
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A unit, below the one named in the address where one is."""
    user = user_of(request)
    above = request.GET.get("parent", "")
    parent = OrgUnit.objects.visible_to(user).filter(pk=int(above)).first() if _is_key(above) else None
    initial = {"parent": parent, "level": _next_level(parent)}
    form = UnitForm(request.POST if request.method == "POST" else None, initial=initial, viewer=user)
    if request.method == "POST" and form.is_valid():
        with judged(form):
            made = organisation.save_unit(OrgUnit(), **form.given())
            messages.success(request, _("%(unit)s is there now.") % {"unit": made})
            return redirect("organisation:unit", made.pk)
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "organisation/form.html", {"form": form, "parent": parent}, status=status)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _next_level(parent: OrgUnit | None) -> str:
    """The rung below the unit's, the last one where there is none lower."""
    values = OrgUnit._meta.get_field("level").choices or ()  # noqa: SLF001 - Django's public name
    levels = [str(value) for value, _label in values]
    return levels[0] if parent is None else levels[min(levels.index(parent.level) + 1, len(levels) - 1)]


@contextmanager
def judged(form: forms.BaseForm) -> Iterator[None]:
    """What the service refuses stands at its field."""
    try:
        yield
    except StaleEdit:
        raise
    except ValidationError as error:
        told = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        for name, words in told.items():
            form.add_error(name if name in form.fields else None, list(words))
    except CrmError as refused:
        form.add_error(None, str(refused))


@signed_in
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, level, place and head; a loop is refused, and so is a page that is no longer what it was."""
    user, unit = user_of(request), _unit(request, pk)
    # The form gets a row of its own: checking it must not touch the one that is shown.
    form = UnitForm(request.POST if request.method == "POST" else None, instance=_unit(request, pk), viewer=user)
    both: list[Clash] = []
    if request.method == "POST" and form.is_valid():
        try:
            with judged(form), transaction.atomic():
                org_lock()  # before the row, as the services take them
                with as_seen(unit, form.cleaned_data["seen"]) as stored:
                    organisation.save_unit(stored, **form.given())
        except StaleEdit as stale:
            both = show_both(form, stale)
        if form.is_valid():
            messages.success(request, _("Changed. Who sees which accounts follows from it at once."))
            return redirect("organisation:unit", pk)
    status = (CONFLICT if both else UNPROCESSABLE) if form.is_bound else 200
    return render(request, "organisation/form.html", {"form": form, "unit": unit, "clashes": both}, status=status)


@signed_in
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    unit = _unit(request, pk)
    problem = ""
    if request.method == "POST":
        try:
            organisation.remove_unit(unit)
        except CrmError as refused:
            problem = str(refused)
        else:
            messages.success(request, _("%(unit)s is removed.") % {"unit": unit.name})
            return redirect("organisation:index")
    context = {"unit": unit, "problem": problem, "below": unit.children.count(), "people": unit.people.count()}
    return render(request, "organisation/remove.html", context, status=CONFLICT if problem else 200)


@signed_in
@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Put people in."""
    unit = _unit(request, pk)
    form = PeopleForm(request.POST, unit=unit)
    if not form.is_valid():
        return _show(request, unit, wrong=form)
    moved = organisation.place(list(form.cleaned_data["people"]), unit)
    messages.success(request, _moved(moved, unit))
    return redirect("organisation:unit", pk)


@signed_in
@require_POST
def take_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Place those ticked elsewhere, or nowhere; whoever somebody else moved meanwhile stays where they are."""
    unit = _unit(request, pk)
    form = MoveForm(request.POST, unit=unit, viewer=user_of(request))
    if not form.is_valid():
        return _show(request, unit, wrong=form)
    people, into = list(form.cleaned_data["people"]), form.cleaned_data["into"]
    moved = organisation.move_out(people, out_of=unit, into=into)
    messages.success(request, _moved(moved, into))
    if stayed := len(people) - moved:
        messages.info(request, ngettext(
            "%(count)s person was placed elsewhere meanwhile and stays there.",
            "%(count)s people were placed elsewhere meanwhile and stay there.", stayed) % {"count": stayed})  # fmt: skip
    return redirect("organisation:unit", pk)


def _moved(number: int, unit: OrgUnit | None) -> str:
    if unit is None:
        words = ngettext("%(count)s person is in no unit now.", "%(count)s people are in no unit now.", number)
        return words % {"count": number}
    words = ngettext("%(count)s person is placed in %(unit)s.", "%(count)s people are placed in %(unit)s.", number)
    return words % {"count": number, "unit": unit}
