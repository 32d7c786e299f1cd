"""Addresses under /metrics/: a question each, its filters, its file, saved views."""

from django.urls import path

from crm.web import economics, metrics

app_name = "metrics"
urlpatterns = [
    path("", metrics.question, name="first"),
    path("views/new/", metrics.save_view, name="save_view"),
    path("views/<int:pk>/", metrics.open_view, name="view"),
    path("views/<int:pk>/delete/", metrics.delete_view, name="delete_view"),
    path("retention-economics/", economics.page),
    path("retention-economics/export/<slug:form>/", economics.export),
    path("<slug:key>/", metrics.question, name="question"),
    path("<slug:key>/filters/", metrics.filters, name="filters"),
    path("<slug:key>/export/<slug:form>/", metrics.export, name="export"),
]
