"""Files of interactions on their way out: from an address of their own, to be kept and never to be shown by a browser.

Whatever a file holds, nothing of it runs here: it comes as a download of the type that was proved when it was taken, no
browser may guess another one, and were it shown all the same its sandbox has neither scripts nor our origin.
"""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.web.htmx import signed_in
from crm.web.rights import require_correct
from service import storage
from service.attachments import remove_attachment
from service.models import Attachment

SANDBOX = "default-src 'none'; sandbox"


def as_download(attachment: Attachment) -> FileResponse:
    """Raises Http404 where the bytes are gone."""
    file = storage.opened(attachment)
    if file is None:
        raise Http404
    return FileResponse(
        file,
        as_attachment=True,
        filename=attachment.name,
        content_type=attachment.media_type,
        headers={
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        },
    )


@signed_in
@require_GET
def attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    return as_download(get_object_or_404(Attachment.objects.visible_to(request.user), pk=pk))


@signed_in
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a file off its interaction: for whoever may correct that."""
    rows = Attachment.objects.visible_to(request.user).select_related("interaction")
    found = get_object_or_404(rows, pk=pk)
    require_correct(request.user, logged_by=found.interaction.logged_by_id)
    remove_attachment(attachment=found)
    messages.success(request, _("The file is removed."))
    return redirect("service:interaction", found.interaction_id)
