"""The addresses of the pages. Those of interfaces are promises; each screen's module keeps its views."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from crm.web import accounts, auth, dashboard, preferences, search, views_saved

account_patterns = [
    path("", accounts.account_list, name="list"),
    path("options/<slug:key>/", accounts.filter_options, name="options"),
    path("columns/", accounts.choose_columns, name="columns"),
    path("export/<slug:form>/", accounts.account_export, name="export"),
    path("bulk/", accounts.bulk, name="bulk"),
    path("bulk/undo/", accounts.undo_bulk, name="undo"),
    path("views/", views_saved.tabs, name="views"),
    path("views/new/", views_saved.create, name="view_create"),
    path("views/<int:pk>/delete/", views_saved.delete, name="view_delete"),
]

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("search/", search.search, name="search"),
    path("accounts/", include((account_patterns, "accounts"))),
    path("choices/scope/", preferences.set_scope, name="set_scope"),
    path("choices/units/", preferences.set_units, name="set_units"),
    path("choices/language/", preferences.set_language, name="set_language"),
]
