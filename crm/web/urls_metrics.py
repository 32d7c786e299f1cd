"""Addresses under /metrics/: a question each, its filters, its file, saved views."""

from django.urls import path

from crm.web import credit_notes, economics, efforts, growth_notes, metrics, reported

app_name = "metrics"
urlpatterns = [
    path("", metrics.question, name="first"),
    path("views/new/", metrics.save_view, name="save_view"),
    path("views/<int:pk>/", metrics.open_view, name="view"),
    path("views/<int:pk>/delete/", metrics.delete_view, name="delete_view"),
    path("growth-notes/new/", growth_notes.add, name="growth_note_add"),
    path("growth-notes/<int:pk>/withdraw/", growth_notes.withdraw, name="growth_note_withdraw"),
    path("reported/", reported.index, name="reported_list"),
    path("reported/new/", reported.keep, name="reported_keep"),
    path("reported/<int:pk>/", reported.detail, name="reported"),
    path("reported/<int:pk>/withdraw/", reported.withdraw, name="reported_withdraw"),
    path("reported/<int:pk>/export/<slug:form>/", reported.export, name="reported_export"),
    path("credit-notes/", credit_notes.unmatched, name="credit_notes"),
    path("credit-notes/export/<slug:form>/", credit_notes.export, name="credit_notes_export"),
    path("efforts/", efforts.efforts, name="efforts"),
    path("retention-economics/", economics.page, name="economics"),
    path("retention-economics/export/<slug:form>/", economics.export, name="economics_export"),
    path("<slug:key>/", metrics.question, name="question"),
    path("<slug:key>/filters/", metrics.filters, name="filters"),
    path("<slug:key>/export/<slug:form>/", metrics.export, name="export"),
]
