"""The addresses of the pages. Those of interfaces are promises; each screen's module keeps its views."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from crm.web import auth, dashboard, preferences, search

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("search/", search.search, name="search"),
    path("choices/scope/", preferences.set_scope, name="set_scope"),
    path("choices/units/", preferences.set_units, name="set_units"),
    path("choices/language/", preferences.set_language, name="set_language"),
]
