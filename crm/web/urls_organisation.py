"""Addresses below /organisation/."""

from django.urls import path

from crm.web import organisation

app_name = "organisation"
urlpatterns = [
    path("", organisation.index, name="index"),
    path("new/", organisation.new, name="new"),
    path("<int:pk>/", organisation.detail, name="unit"),
    path("<int:pk>/edit/", organisation.edit, name="edit"),
    path("<int:pk>/remove/", organisation.remove, name="remove"),
    path("<int:pk>/people/", organisation.place, name="place"),
    path("<int:pk>/people/move/", organisation.take_out, name="take_out"),
]
