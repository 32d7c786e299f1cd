"""The entrance: where everything is, the schema, and the documentation that works without a network."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.errors import BadParameter


class RootView(APIView):
    """The addresses of all resources; those without a list are reached by the number of a row alone."""

    http_method_names = ["get", "head"]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        from crm.api.routers import router

        listing = [(prefix, basename) for prefix, viewset, basename in router.registry if hasattr(viewset, "list")]
        lists = {prefix: f"api:{basename}-list" for prefix, basename in listing}
        found = {prefix: request.build_absolute_uri(reverse(name)) for prefix, name in lists.items()}
        for name in ("schema", "docs"):
            found[name] = request.build_absolute_uri(reverse(f"api:{name}"))
        return Response(found)


class LanguageChecked(APIView):
    """The language asked for reaches gettext's file names: only those we have."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        languages = dict(settings.LANGUAGES)
        if request.query_params.get("lang", "") not in {"", *languages}:
            raise BadParameter({"lang": [_("Choose one of: %(names)s.") % {"names": ", ".join(languages)}]})


class FormatInQuery(DefaultContentNegotiation):
    """`?format=json` beside the Accept header, for those who open the schema in a browser."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        wanted = request.query_params.get("format")
        if wanted and wanted not in {renderer.format for renderer in renderers}:
            raise BadParameter({"format": [_("Choose one of: %(names)s.") % {"names": "json, yaml"}]})
        return super().select_renderer(request, renderers, wanted or format_suffix)


class SchemaView(LanguageChecked, SpectacularAPIView):
    """OpenAPI 3.1, as YAML or with `Accept: application/json` or `?format=json` as JSON."""

    http_method_names = ["get", "head"]
    content_negotiation_class = FormatInQuery


class DocsView(LanguageChecked, SpectacularSwaggerSplitView):
    http_method_names = ["get", "head"]
    url_name = "api:schema"
    template_name = "api/docs.html"
