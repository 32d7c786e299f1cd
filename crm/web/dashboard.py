"""The portfolio on one page."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from crm.web.htmx import page_or_fragment, signed_in


@signed_in
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    return page_or_fragment(request, "dashboard/page.html", "dashboard/_body.html", {})
