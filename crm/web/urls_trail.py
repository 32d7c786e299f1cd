"""Addresses under /trail/."""

from django.urls import path

from crm.web import persons, trail

app_name = "trail"
urlpatterns = [
    path("", trail.index, name="index"),
    path("export/<slug:form>/", trail.export, name="export"),
    path("persons/<slug:kind>/<int:pk>/", persons.detail, name="person"),
    path("persons/<slug:kind>/<int:pk>/export/", persons.export, name="person_export"),
    path("persons/<slug:kind>/<int:pk>/erase/", persons.erase, name="person_erase"),
]
