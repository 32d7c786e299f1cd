"""Addresses under /imports/: the list, the steps of the wizard, one batch."""

from django.urls import path

from crm.web import import_wizard, imports, lists, rates

app_name = "imports"
urlpatterns = [
    path("", imports.batch_list, name="list"),
    path("new/", import_wizard.upload, name="new"),
    path("export/", imports.export, name="export"),
    path("rates/", rates.missing, name="rates"),
    path("rates/export/<slug:form>/", rates.export, name="rates_export"),
    path("rates/new/", rates.upload, name="rates_new"),
    path("rates/check/", rates.check, name="rates_check"),
    path("rates/errors/", rates.errors, name="rates_errors"),
    path("lists/<slug:kind>/", lists.upload, name="list_new"),
    path("lists/<slug:kind>/check/", lists.check, name="list_check"),
    path("lists/<slug:kind>/errors/", lists.errors, name="list_errors"),
    path("<int:pk>/", imports.detail, name="detail"),
    path("<int:pk>/columns/", import_wizard.columns, name="columns"),
    path("<int:pk>/check/", import_wizard.check, name="check"),
    path("<int:pk>/check/progress/", import_wizard.check_progress, name="check_progress"),
    path("<int:pk>/book/", import_wizard.book, name="book"),
    path("<int:pk>/post/", import_wizard.post, name="post"),
    path("<int:pk>/progress/", imports.progress, name="progress"),
    path("<int:pk>/errors/", imports.error_file, name="errors"),
    path("<int:pk>/changes/", imports.changes, name="changes"),
    path("<int:pk>/withdraw/", imports.withdraw, name="withdraw"),
    path("<int:pk>/discard/", imports.discard, name="discard"),
]
