"""Addresses under /plans/."""

from django.urls import path

from crm.web import business_hours, plans, policies

app_name = "plans"
urlpatterns = [
    path("", plans.portfolio, name="portfolio"),
    path("accounts/", plans.ranking, name="ranking"),
    path("hours/", business_hours.hours, name="hours"),
    path("hours/<int:pk>/remove/", business_hours.drop_hours, name="hours_drop"),
    path("hours/days/", business_hours.add_days, name="days_add"),
    path("hours/days/<int:pk>/remove/", business_hours.drop_day, name="day_drop"),
    path("policies/", policies.index, name="policies"),
    path("policies/draft/", policies.draft, name="policy_draft"),
    path("policies/<slug:code>/", policies.grade, name="grade"),
    path("policies/versions/<int:number>/activate/", policies.activate, name="policy_activate"),
    path("policies/versions/<int:number>/discard/", policies.discard, name="policy_discard"),
    path("policies/versions/<int:number>/<slug:code>/", policies.edit, name="grade_edit"),
]
