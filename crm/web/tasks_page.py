"""Tasks: mine with all that is due to me, and those of the teams in view."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account
from crm.lib.exceptions import CrmError
from crm.web.account_team import day_field, person_field
from crm.web.auth import dress
from crm.web.editing import CONFLICT, Clash, SeenMixin, StaleEdit, as_seen, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.rights import WRITE_TASK, may_change_team, require_write_task
from crm.web.scope import accounts_in_scope
from crm.web.work import work_of
from plans.enums_team import TaskOrigin
from plans.models import Task
from plans.models_work import DatedAction
from plans.services_tasks import change_task, end_task, write_task
from plans.wording_team import task_text

A_PAGE = 30
UNPROCESSABLE = 422
MINE, OVERDUE, OPEN = "mine", "overdue", "all"


class TaskForm(SeenMixin, forms.Form):
    text = forms.CharField(label=gettext_lazy("What"), max_length=DatedAction._meta.get_field("text").max_length)  # noqa: SLF001
    owner = person_field(gettext_lazy("Who"))
    due_on = day_field(gettext_lazy("By when"))

    def __init__(self, *args: Any, task: Task | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if task is not None and task.origin == TaskOrigin.GAP:
            del self.fields["text"]
        self.remember(task)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Everything that is due to the reader; for those who change teams also what is overdue or open of others."""
    user, today = user_of(request), timezone.localdate()
    leads = may_change_team(user)
    side = request.GET.get("list", MINE)
    side = side if leads and side in {OVERDUE, OPEN} else MINE
    context: dict[str, Any] = {
        "tab": "tasks",
        "side": side,
        "leads": leads,
        "today": today,
        "may_write": user.has_perm(WRITE_TASK),
    }
    if side == MINE:
        context["work"] = work_of(user, today=today)
    else:
        rows = tasks_in_view(request).still_open()
        rows = rows.overdue(today) if side == OVERDUE else rows
        page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
        page.object_list = [(task, task_text(task), task.due_on < today) for task in page.object_list]
        context["page"] = page
    return render(request, "teams/tasks.html", context)


def tasks_in_view(request: HttpRequest) -> Any:
    """Tasks of the accounts in scope, with the people and accounts a list shows."""
    accounts = accounts_in_scope(request)
    rows = Task.objects.visible_to(request.user)
    if not accounts.is_everything:
        rows = rows.filter(account__in=accounts.order_by().values("pk"))
    return rows.select_related("account", "owner", "about").order_by("due_on", "pk")


@signed_in
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """A new task, for an account where the address names one."""
    require_write_task(request.user)
    key = request.GET.get("account", "")
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=int(key)) if _is_key(key) else None
    form = TaskForm(request.POST or None, initial={"owner": request.user.pk, "due_on": timezone.localdate()})

    def act(given: dict[str, Any]) -> str:
        given.pop("seen")
        write_task(made_by=user_of(request), account=account, **given)
        return _("The task is written down.")

    return _answer(request, form, act, account=account, title=_("New task"))


@signed_in
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    require_write_task(request.user)
    task = get_object_or_404(Task.objects.visible_to(request.user).select_related("account", "about"), pk=pk)
    form = TaskForm(
        request.POST or None, task=task, initial={"text": task.text, "owner": task.owner_id, "due_on": task.due_on}
    )

    def act(given: dict[str, Any]) -> str:
        with as_seen(task, given.pop("seen")):
            change_task(task=task, **given)
        return _("The task is changed.")

    return _answer(request, form, act, account=task.account, title=task_text(task))


@signed_in
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    require_write_task(request.user)
    task = get_object_or_404(Task.objects.visible_to(request.user), pk=pk)
    try:
        on_seen(
            task,
            request.POST,
            lambda: end_task(task=task, by=user_of(request), on=timezone.localdate()),
            asked=_("done"),
        )
        messages.success(request, _("Done."))
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("tasks:index")


def _answer(request: HttpRequest, form: forms.Form, act: Any, **context: Any) -> HttpResponse:
    both: list[Clash] = []
    if form.is_bound and form.is_valid():
        try:
            messages.success(request, act(dict(form.cleaned_data)))
        except StaleEdit as stale:
            both = show_both(form, stale)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("tasks:index")
    status = (CONFLICT if both else UNPROCESSABLE) if form.is_bound else 200
    context |= {"tab": "tasks", "form": form, "clashes": both}
    return render(request, "teams/task_form.html", context, status=status)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
