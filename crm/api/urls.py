"""Everything below /api/."""

from django.urls import include, path, re_path

from crm.api import metrics, metrics_breakdown, metrics_decomposition, metrics_economics
from crm.api.access import AccessTableView
from crm.api.drift import DriftView
from crm.api.logins_admin import LogInRuleView
from crm.api.metrics_association import routes as association_routes
from crm.api.metrics_cohorts import routes as cohort_routes
from crm.api.metrics_contracts import routes as contract_routes
from crm.api.metrics_efforts import routes as effort_routes
from crm.api.metrics_lifetime import routes as lifetime_routes
from crm.api.metrics_next import routes as next_routes
from crm.api.metrics_patterns import routes as pattern_routes
from crm.api.metrics_receivables import routes as receivables_routes
from crm.api.metrics_relationships import routes as relationship_routes
from crm.api.metrics_whitespace import routes as whitespace_routes
from crm.api.migration import MigrationView
from crm.api.persons import PersonEraseView, PersonExportView, PersonView
from crm.api.portfolio import PortfolioView
from crm.api.root import DocsView, RootView, SchemaView
from crm.api.routers import router
from crm.api.simulation import SimulateView
from crm.api.teams import TeamGapsView, TeamLoadView
from crm.api.views import UnknownAddressView

v1 = [
    path("", RootView.as_view(), name="root"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    path("metrics/growth/", metrics.GrowthView.as_view(), name="metrics-growth"),
    path("metrics/bridge/", metrics_breakdown.BridgeView.as_view(), name="metrics-bridge"),
    path("metrics/retention/", metrics.RetentionView.as_view(), name="metrics-retention"),
    path("metrics/activity/", metrics.ActivityView.as_view(), name="metrics-activity"),
    path("metrics/concentration/", metrics.ConcentrationView.as_view(), name="metrics-concentration"),
    path("metrics/lifetime/", metrics.LifetimeView.as_view(), name="metrics-lifetime"),
    path("metrics/trend/", metrics.TrendView.as_view(), name="metrics-trend"),
    path(
        "metrics/retention-economics/",
        metrics_economics.RetentionEconomicsView.as_view(),
        name="metrics-economics",
    ),
    path(
        "metrics/decomposition/",
        metrics_decomposition.DecompositionView.as_view(),
        name="metrics-decomposition",
    ),
    path("metrics/doubling/", metrics_decomposition.DoublingView.as_view(), name="metrics-doubling"),
    path("metrics/directions/", metrics_decomposition.DirectionsView.as_view(), name="metrics-directions"),
    *association_routes,
    *cohort_routes,
    *contract_routes,
    *effort_routes,
    *lifetime_routes,
    *next_routes,
    *pattern_routes,
    *receivables_routes,
    *relationship_routes,
    *whitespace_routes,
    path("log-in-rule/", LogInRuleView.as_view(), name="log-in-rule"),
    path("access/actions/", AccessTableView.as_view(), name="access-actions"),
    path("persons/<slug:kind>/<int:pk>/", PersonView.as_view(), name="persons-detail"),
    path("persons/<slug:kind>/<int:pk>/export/", PersonExportView.as_view(), name="persons-export"),
    path("persons/<slug:kind>/<int:pk>/erase/", PersonEraseView.as_view(), name="persons-erase"),
    path("teams/load/", TeamLoadView.as_view(), name="teams-load"),
    path("teams/gaps/", TeamGapsView.as_view(), name="teams-gaps"),
    path("tiering/migration/", MigrationView.as_view(), name="tiering-migration"),
    path("tiering/portfolio/", PortfolioView.as_view(), name="tiering-portfolio"),
    path("tiering/drift/", DriftView.as_view(), name="tiering-drift"),
    path("tiering/simulate/", SimulateView.as_view(), name="tiering-simulate"),
    *router.urls,
]

app_name = "api"
urlpatterns = [
    path("v1/", include(v1)),
    re_path(r"^.*$", UnknownAddressView.as_view(), name="unknown"),
]
