"""Everything below /api/."""

from django.urls import include, path, re_path

from crm.api.root import DocsView, RootView, SchemaView
from crm.api.routers import router
from crm.api.views import UnknownAddressView

v1 = [
    path("", RootView.as_view(), name="root"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    *router.urls,
]

app_name = "api"
urlpatterns = [
    path("v1/", include(v1)),
    re_path(r"^.*$", UnknownAddressView.as_view(), name="unknown"),
]
