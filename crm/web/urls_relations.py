"""Addresses of the relationships with one account, below /accounts/<pk>/relationships/."""

from django.urls import path

from crm.web import relations, relations_edit

urlpatterns = [
    path("", relations.relations, name="relations"),
    path("export/<slug:form>/", relations.export, name="relations_export"),
    path("contacts/new/", relations_edit.edit_contact, name="contact_new"),
    path("contacts/<int:contact>/", relations_edit.edit_contact, name="contact_edit"),
    path("contacts/<int:contact>/attitude/", relations_edit.note, name="attitude_note"),
    path("centres/new/", relations_edit.edit_centre, name="centre_new"),
    path("centres/<int:centre>/", relations_edit.edit_centre, name="centre_edit"),
    path("centres/<int:centre>/people/new/", relations_edit.new_member, name="member_new"),
    path("people/<int:member>/", relations_edit.edit_member, name="member_edit"),
    path("people/<int:member>/remove/", relations_edit.remove_member, name="member_remove"),
    path("levels/new/", relations_edit.new_level, name="level_new"),
    path("levels/<int:evidence>/end/", relations_edit.end_level, name="level_end"),
    path("partnership/", relations_edit.new_partnership, name="partnership_new"),
    path("targets/", relations_edit.edit_targets, name="relation_targets"),
    path("courtesies/new/", relations_edit.new_courtesy, name="courtesy_new"),
    path("courtesies/<int:courtesy>/<slug:verdict>/", relations_edit.decide_courtesy, name="courtesy_decide"),
    path("plan/", relations_edit.edit_plan, name="relation_plan"),
    path("plan/steps/", relations_edit.new_step, name="relation_step_new"),
    path("plan/steps/<int:step>/", relations_edit.tick_step, name="relation_step_tick"),
]
