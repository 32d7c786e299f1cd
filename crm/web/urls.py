"""The addresses of the pages. Those of interfaces are promises; each screen's module keeps its views."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from crm.web import (
    account,
    account_ideas,
    account_plan,
    accounts,
    auth,
    dashboard,
    figures,
    grade_compare,
    merges,
    preferences,
    search,
    views_saved,
)

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
    path("<int:pk>/", account.overview, name="detail"),
    path("<int:pk>/revenue/", account.revenue, name="revenue"),
    path("<int:pk>/suggestions/reject/", account_ideas.reject, name="reject_suggestion"),
    path("<int:pk>/suggestions/<int:rejection>/withdraw/", account_ideas.withdraw, name="withdraw_rejection"),
    path("<int:pk>/grade/", account.grade, name="grade"),
    path("<int:pk>/grade/compare/", grade_compare.compare_nights, name="grade_compare"),
    path("<int:pk>/people/", account.people, name="people"),
    path("<int:pk>/merge/", merges.merge, name="merge"),
    path("<int:pk>/merges/<int:merge>/undo/", merges.undo, name="undo_merge"),
    path("<int:pk>/contracts/", account.contracts, name="contracts"),
    path("<int:pk>/plan/", account_plan.plan, name="plan"),
    path("<int:pk>/plan/new/", account_plan.new_plan, name="plan_new"),
    path("<int:pk>/plan/<int:plan>/approve/", account_plan.approve, name="plan_approve"),
    path("<int:pk>/plan/remediation/", account_plan.edit_remedy, name="remedy_edit"),
    path("<int:pk>/plan/remediation/close/", account_plan.close_remedy, name="remedy_close"),
    path("<int:pk>/plan/<slug:kind>/<int:plan>/steps/", account_plan.new_step, name="step_new"),
    path("<int:pk>/plan/<slug:kind>/steps/<int:step>/", account_plan.tick_step, name="step_tick"),
]

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("search/", search.search, name="search"),
    path("figures/<slug:metric>/", figures.figure, name="figure"),
    path("figures/<slug:metric>/export/<slug:form>/", figures.figure_export, name="figure_export"),
    path("accounts/", include((account_patterns, "accounts"))),
    path("metrics/", include("crm.web.urls_metrics")),
    path("imports/", include("crm.web.urls_imports")),
    path("ratings/", include("crm.web.urls_ratings")),
    path("tiering/", include("crm.web.urls_tiering")),
    path("plans/", include("crm.web.urls_plans")),
    path("choices/scope/", preferences.set_scope, name="set_scope"),
    path("choices/units/", preferences.set_units, name="set_units"),
    path("choices/language/", preferences.set_language, name="set_language"),
]
