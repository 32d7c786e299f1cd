"""Addresses below /relationships/; what belongs to one account stands below /accounts/."""

from django.urls import path

from crm.web import relations_portfolio

app_name = "relationships"
urlpatterns = [
    path("", relations_portfolio.index, name="index"),
    path("export/<slug:form>/", relations_portfolio.export, name="export"),
]
