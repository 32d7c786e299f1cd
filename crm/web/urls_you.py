"""One's own log-in."""

from django.urls import path

from crm.web import mails, sso, you, you_tokens

app_name = "you"
urlpatterns = [
    path("", you.security, name="security"),
    path("second-factor/app/", you.app, name="app"),
    path("second-factor/passkey/", you.passkey, name="passkey"),
    path("second-factor/<int:pk>/remove/", you.remove_factor, name="factor_remove"),
    path("second-factor/codes/", you.recovery_codes, name="codes"),
    path("second-factor/codes/file/", you.recovery_file, name="codes_file"),
    path("identity/", sso.connect, name="identity"),
    path("identity/<int:pk>/unlink/", sso.unlink, name="identity_unlink"),
    path("sessions/", you.session_list, name="sessions"),
    path("sessions/<int:pk>/end/", you.end_session, name="session_end"),
    path("sessions/end-others/", you.end_other_sessions, name="sessions_end"),
    path("tokens/", you_tokens.token_list, name="tokens"),
    path("tokens/new/", you_tokens.token_new, name="token_new"),
    path("tokens/<int:pk>/revoke/", you_tokens.token_revoke, name="token_revoke"),
    path("mail/", mails.index, name="mail"),
    path("mail/renew/", mails.renew, name="mail_renew"),
    path("mail/<int:pk>/assign/", mails.assign, name="mail_assign"),
    path("mail/<int:pk>/aside/", mails.put_aside, name="mail_aside"),
    path("log/", you.log, name="log"),
]
