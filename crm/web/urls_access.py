"""Addresses below /access/."""

from django.urls import path

from crm.web import access_pages

app_name = "access"
urlpatterns = [
    path("", access_pages.table, name="table"),
    path("people/", access_pages.choose, name="choose"),
    path("people/<int:pk>/", access_pages.person, name="person"),
]
