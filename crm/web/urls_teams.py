"""Addresses below /teams/; the team of one account stands below /accounts/."""

from django.urls import path

from crm.web import departures, hand_overs, teams

app_name = "teams"
urlpatterns = [
    path("", teams.index, name="index"),
    path("gaps/export/<slug:form>/", teams.export_gaps, name="gaps_export"),
    path("load/export/<slug:form>/", teams.export_load, name="load_export"),
    path("people/<int:pk>/", teams.person, name="person"),
    path("people/<int:pk>/capacity/", teams.set_capacity, name="capacity"),
    path("people/<int:pk>/leave/", departures.leave, name="leave"),
    path("people/<int:pk>/switch-off/", departures.switch_off, name="switch_off"),
    path("reassignments/<int:pk>/undo/", departures.undo, name="undo"),
    path("hand-overs/", hand_overs.index, name="hand_overs"),
    path("hand-overs/<int:pk>/", hand_overs.detail, name="hand_over"),
    path("hand-overs/<int:pk>/sign/", hand_overs.sign, name="hand_over_sign"),
    path("hand-overs/<int:pk>/cancel/", hand_overs.cancel, name="hand_over_cancel"),
    path("rules/", teams.rules, name="rules"),
]
