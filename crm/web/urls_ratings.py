"""Addresses under /ratings/."""

from django.urls import path

from crm.web import ratings

app_name = "ratings"
urlpatterns = [
    path("", ratings.index, name="index"),
    path("accounts/<int:pk>/", ratings.account, name="account"),
    path("accounts/<int:pk>/wallet/", ratings.wallet, name="wallet"),
]
