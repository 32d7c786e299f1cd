"""Addresses under /tiering/."""

from django.urls import path

from crm.web import tiering

app_name = "tiering"
urlpatterns = [
    path("", tiering.night, name="night"),
    path("run/", tiering.run_now, name="run"),
    path("progress/", tiering.progress, name="progress"),
    path("nights/<int:pk>/", tiering.night, name="run_detail"),
    path("model/", tiering.model, name="model"),
    path("model/<int:pk>/", tiering.model, name="model_version"),
]
