"""Webhooks: which systems are told what, with the messages of the last days and what became of them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib.exceptions import CrmError
from crm.models import SUBSCRIBED, DeliveryState, WebhookDelivery, WebhookEndpoint
from crm.web.auth import dress
from crm.web.editing import CONFLICT, Clash, SeenMixin, StaleEdit, as_seen, on_seen, show_both
from crm.web.htmx import signed_in, user_of
from crm.web.rights import require_change_webhooks
from crm.webhooks import services

MESSAGES_A_PAGE = 50
UNPROCESSABLE = 422


class WebhookForm(SeenMixin, forms.Form):
    """What an administrator fills in; the rules are those of the service."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/hooks/facet", "inputmode": "url"}),
        help_text=gettext_lazy("Called by POST with JSON. Only https; nothing inside a private network."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Told of"),
        choices=[(event.value, event.label) for event in SUBSCRIBED],
        widget=forms.CheckboxSelectMultiple,
    )
    is_active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("What happens while it is off is not told later."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every webhook with the state of its messages; two statements."""
    require_change_webhooks(request.user)
    endpoints = WebhookEndpoint.objects.select_related("owner").annotate(
        waiting=Count("deliveries", filter=Q(deliveries__state=DeliveryState.WAITING)),
        failed=Count("deliveries", filter=Q(deliveries__state=DeliveryState.FAILED)),
        last_delivered_at=Max("deliveries__delivered_at"),
    )
    return render(request, "webhooks/index.html", {"endpoints": endpoints, "is_open": services.is_open()})


@signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    require_change_webhooks(request.user)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    del form.fields["is_active"]
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            endpoint, secret = services.create_webhook(
                name=given["name"], url=given["url"], events_told=given["events"], owner=user_of(request)
            )
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret})
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "webhooks/form.html", {"form": form, "is_open": services.is_open()}, status=status)


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook and its messages, newest first."""
    require_change_webhooks(request.user)
    endpoint = get_object_or_404(WebhookEndpoint.objects.select_related("owner"), pk=pk)
    rows = endpoint.deliveries.defer("payload")
    page = Paginator(rows, MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "webhooks/detail.html", {"endpoint": endpoint, "page": page, "is_open": services.is_open()})


@signed_in
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_webhooks(request.user)
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    stored = {name: getattr(endpoint, name) for name in ("name", "url", "events", "is_active")}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=stored)
    form.remember(endpoint)
    both: list[Clash] = []
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            with as_seen(endpoint, given.pop("seen")) as now:
                services.change_webhook(now, events_told=given.pop("events"), **given)
        except StaleEdit as stale:
            both = show_both(form, stale, {"events": stale.row.events})
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Changed."))
            return redirect("webhooks:detail", pk)
    status = (CONFLICT if both else UNPROCESSABLE) if form.is_bound else 200
    context = {"form": form, "endpoint": endpoint, "is_open": services.is_open(), "clashes": both}
    return render(request, "webhooks/form.html", context, status=status)


@signed_in
@never_cache
@require_POST
def new_secret(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_webhooks(request.user)
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    try:
        secret = on_seen(endpoint, request.POST, lambda: services.rotate_secret(endpoint), asked=_("make a new secret"))
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect("webhooks:detail", pk)
    return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret})


@signed_in
@require_POST
def ping(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_webhooks(request.user)
    services.send_ping(get_object_or_404(WebhookEndpoint, pk=pk))
    messages.success(request, _("A trial message is on its way. It shows below within a minute."))
    return redirect("webhooks:detail", pk)


@signed_in
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_webhooks(request.user)
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    try:
        on_seen(endpoint, request.POST, lambda: services.delete_webhook(endpoint), asked=_("delete the webhook"))
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect("webhooks:detail", pk)
    messages.success(request, _("The webhook is gone, with its messages."))
    return redirect("webhooks:index")


@signed_in
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_webhooks(request.user)
    delivery = services.send_again(get_object_or_404(WebhookDelivery, pk=pk))
    messages.success(request, _("The message is sent again within a minute."))
    return redirect("webhooks:detail", delivery.endpoint_id)
