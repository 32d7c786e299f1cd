"""Addresses below /webhooks/."""

from django.urls import path

from crm.web import webhooks

app_name = "webhooks"
urlpatterns = [
    path("", webhooks.index, name="index"),
    path("new/", webhooks.create, name="create"),
    path("<int:pk>/", webhooks.detail, name="detail"),
    path("<int:pk>/change/", webhooks.change, name="change"),
    path("<int:pk>/secret/", webhooks.new_secret, name="secret"),
    path("<int:pk>/ping/", webhooks.ping, name="ping"),
    path("<int:pk>/delete/", webhooks.delete, name="delete"),
    path("messages/<int:pk>/again/", webhooks.again, name="again"),
]
