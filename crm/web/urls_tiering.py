"""Addresses under /tiering/."""

from django.urls import path

from crm.web import activation, backtest, migration, overrides, portfolio, sandbox, tiering, weight_surveys, weights

app_name = "tiering"
urlpatterns = [
    path("", tiering.night, name="night"),
    path("run/", tiering.run_now, name="run"),
    path("progress/", tiering.progress, name="progress"),
    path("nights/<int:pk>/", tiering.night, name="run_detail"),
    path("migration/", migration.migration, name="migration"),
    path("migration/export/<str:form>/", migration.export, name="migration_export"),
    path("portfolio/", portfolio.index, name="portfolio"),
    path("portfolio/export/<str:form>/", portfolio.export, name="portfolio_export"),
    path("backtest/", backtest.index, name="backtest"),
    path("backtest/<int:pk>/", backtest.detail, name="backtest_run"),
    path("backtest/<int:pk>/progress/", backtest.progress, name="backtest_progress"),
    path("backtest/<int:pk>/again/", backtest.again, name="backtest_again"),
    path("sandbox/", sandbox.sandbox, name="sandbox"),
    path("sandbox/keep/", sandbox.keep, name="sandbox_keep"),
    path("overrides/", overrides.index, name="overrides"),
    path("overrides/<int:pk>/approve/", overrides.approve, name="override_approve"),
    path("overrides/<int:pk>/refuse/", overrides.refuse, name="override_refuse"),
    path("overrides/<int:pk>/end/", overrides.end, name="override_end"),
    path("overrides/account/<int:pk>/", overrides.ask, name="override_new"),
    path("problems/<int:pk>/decide/", overrides.decide, name="problem_decide"),
    path("model/", tiering.model, name="model"),
    path("model/<int:pk>/", tiering.model, name="model_version"),
    path("model/<int:pk>/propose/", activation.propose, name="propose"),
    path("model/<int:pk>/review/", activation.review, name="model_review"),
    path("weights/", weights.index, name="weights"),
    path("weights/blend/", weights.blend, name="weights_blend"),
    path("weights/surveys/new/", weight_surveys.start, name="survey_new"),
    path("weights/surveys/<int:pk>/", weight_surveys.survey, name="survey"),
    path("weights/surveys/<int:pk>/judge/", weight_surveys.judge, name="survey_judge"),
    path("weights/surveys/<int:pk>/invite/", weight_surveys.invite, name="survey_invite"),
    path("weights/surveys/<int:pk>/close/", weight_surveys.close, name="survey_close"),
    path("weights/surveys/<int:pk>/take-over/", weight_surveys.take_over, name="survey_take_over"),
    path("activation/", activation.index, name="activation"),
    path("activation/<int:pk>/approve/", activation.approve, name="activation_approve"),
    path("activation/<int:pk>/refuse/", activation.refuse, name="activation_refuse"),
]
