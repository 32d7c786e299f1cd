"""Other people's log-ins, for administrators."""

from django.urls import path

from crm.web import logins

app_name = "logins"
urlpatterns = [
    path("", logins.people_list, name="people"),
    path("<int:pk>/off/", logins.switch_off, name="off"),
    path("<int:pk>/on/", logins.switch_on, name="on"),
    path("<int:pk>/sign-out/", logins.sign_out, name="sign_out"),
    path("<int:pk>/second-factor/remove/", logins.remove_factors, name="factors_remove"),
    path("<int:pk>/reset-link/", logins.reset_link, name="reset_link"),
    path("invitations/", logins.invitation_list, name="invitations"),
    path("invitations/new/", logins.invite, name="invite"),
    path("invitations/<int:pk>/link/", logins.invitation_link, name="invitation_link"),
    path("invitations/<int:pk>/withdraw/", logins.withdraw, name="withdraw"),
    path("locks/", logins.lock_list, name="locks"),
    path("locks/lift/", logins.unlock, name="unlock"),
    path("rule/", logins.rule, name="rule"),
    path("log/", logins.log, name="log"),
]
