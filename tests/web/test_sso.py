"""Single sign-on against a small identity provider on this machine, honest and lying."""

import base64
import hashlib
import http.server
import json
import threading
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from accounts.enums_logins import LoginReason
from accounts.models import LoginEvent, LoginRule, User
from crm.lib.identity import provider_id, provider_settings
from tests.factories import make_user
from tests.web.test_second_factor import code_at, with_app

PASSWORD = "a-long-Passw0rd"
CLIENT = "facet"
KEY, STRANGE_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))

pytestmark = pytest.mark.django_db


class Provider:
    """Answers as it is told to: ``claims`` and the rest are what the next token says."""

    def __init__(self) -> None:
        self.claims, self.without = {}, ()
        self.key, self.algorithm, self.kid = KEY, "RS256", "one"
        self.discovery, self.token, self.status, self.userinfo = {}, {}, 200, None
        self.asked, self.seen = {}, []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self, "")

            def do_POST(self):
                provider.answer(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body):
        path, status, headers = urlsplit(handler.path).path, 200, {}
        self.seen.append(path)
        if path == "/.well-known/openid-configuration":
            found = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            found |= {"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.userinfo is not None else {}
            content = {"issuer": self.issuer, **found, **self.discovery}
        elif path == "/jwks_uri":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            content = {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}
        elif path == "/token_endpoint":
            self.posted = {name: values[0] for name, values in parse_qs(body).items()}
            status, content = (
                self.status,
                {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(), **self.token},
            )
            if status == 302:
                headers["Location"] = "http://127.0.0.1:1/"
        elif path == "/userinfo":
            content = self.userinfo
        else:
            status, content = 404, {}
        text = json.dumps(content).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text)

    def id_token(self):
        now = int(time.time())
        told = {
            "iss": self.issuer, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300,
            "nonce": self.asked.get("nonce"), "email": "lin@example.com", "email_verified": True, **self.claims,
        }  # fmt: skip
        told = {name: value for name, value in told.items() if name not in self.without}
        return jwt.encode(told, self.key, algorithm=self.algorithm, headers={"kid": self.kid} if self.kid else {})

    def go(self, client, path="/login/sso/"):
        """To the provider and back; returns the last answer of ours."""
        there = client.get(path)
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(there.headers["Location"]).query).items()}
        return client.get(urlsplit(self.asked["redirect_uri"]).path, {"code": "c", "state": self.asked["state"]})


@pytest.fixture
def provider(settings):
    one = Provider()
    settings.OIDC_ISSUER, settings.OIDC_LINK_BY_EMAIL, settings.OIDC_SIGN_UP = one.issuer, False, False
    settings.OIDC_NAME = "Company"
    settings.SOCIALACCOUNT_PROVIDERS = provider_settings(
        issuer=one.issuer, client_id=CLIENT, secret="s3cret", name="Company"
    )
    yield one
    one.server.shutdown()
    cache.delete_many([f"oidc:{one.issuer}/.well-known/openid-configuration", f"oidc:{one.issuer}/jwks_uri"])


def link(user, provider, subject="s-1"):
    return SocialAccount.objects.create(user=user, provider=provider_id(provider.issuer), uid=subject)


def is_in(client):
    return client.get("/password/").status_code == 200


def refused(client, answer, word="Single sign-on did not work"):
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    assert word in client.get("/login/").content.decode()
    assert not is_in(client)
    return True


def test_linked_identity_logs_in_and_keeps_where_to(client, provider):
    user = make_user()
    link(user, provider)

    answer = provider.go(client, "/login/sso/?next=/accounts/%3Fgrade%3Dgold")

    assert answer.headers["Location"] == "/accounts/?grade=gold"
    assert client.session["_auth_user_id"] == str(user.pk)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(provider.posted["code_verifier"].encode()).digest())
    assert provider.asked["code_challenge"] == challenge.rstrip(b"=").decode()
    assert provider.asked["code_challenge_method"] == "S256"
    assert LoginEvent.objects.filter(user=user, kind="sso", ok=True).count() == 1


def test_foreign_next_is_left_out(client, provider):
    link(make_user(), provider)

    assert provider.go(client, "/login/sso/?next=https://evil.example/").headers["Location"] == "/"


LIES = {
    "other issuer": {"claims": {"iss": "https://evil.example"}},
    "other audience": {"claims": {"aud": "somebody-else"}},
    "audience of many without us": {"claims": {"aud": ["a", "b"]}},
    "made for another party": {"claims": {"aud": [CLIENT, "b"], "azp": "b"}},
    "many audiences and no party": {"claims": {"aud": [CLIENT, "b"]}},
    "expired": {"claims": {"exp": int(time.time()) - 3600}},
    "made long ago": {"claims": {"iat": int(time.time()) - 3600}},
    "of the future": {"claims": {"iat": int(time.time()) + 3600}},
    "not valid yet": {"claims": {"nbf": int(time.time()) + 3600}},
    "other nonce": {"claims": {"nonce": "x"}},
    "no text as nonce": {"claims": {"nonce": 1}},
    "empty subject": {"claims": {"sub": ""}},
    "long subject": {"claims": {"sub": "x" * 256}},
    "strange key": {"key": STRANGE_KEY},
    "unknown key": {"kid": "two"},
    "unsigned": {"key": "", "algorithm": "none"},
    "signed by our secret": {"key": "s3cret" * 10, "algorithm": "HS256"},
    "no token": {"token": {"id_token": None}},
    "no token at all": {"token": {"id_token": "x.y.z"}},
    "no access token": {"token": {"access_token": None}},
    "error": {"status": 500},
    "redirect": {"status": 302},
    "discovery of another": {"discovery": {"issuer": "https://evil.example"}},
    "plain endpoint": {"discovery": {"token_endpoint": "http://evil.example/token"}},
    "keys elsewhere": {"discovery": {"jwks_uri": "file:///etc/passwd"}},
    **{f"without {name}": {"without": (name,)} for name in ("iss", "aud", "sub", "exp", "iat", "nonce")},
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_answer_that_cannot_be_believed_lets_nobody_in(client, provider, lie):
    link(make_user(), provider)
    for name, value in LIES[lie].items():
        setattr(provider, name, value)

    answer = client.get("/login/sso/") if "discovery" in LIES[lie] else provider.go(client)

    assert refused(client, answer)
    assert LoginEvent.objects.get(kind="sso").reason == LoginReason.PROVIDER


def test_state_is_good_once_and_for_the_browser_that_asked(client, provider):
    link(make_user(), provider)
    other = Client()
    provider.go(client)
    client.post("/logout/")
    back = urlsplit(provider.asked["redirect_uri"]).path
    again = {"code": "c", "state": provider.asked["state"]}

    assert refused(client, client.get(back, again))
    assert refused(other, other.get(back, again))
    assert refused(other, other.get(back, {"code": "c"}))
    assert refused(other, other.get(back, {"code": "c", "state": "made-up"}))


def test_refusal_of_the_provider_leads_back_with_words(client, provider):
    client.get("/login/sso/")
    there = client.get("/login/sso/")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there.headers["Location"]).query).items()}

    answer = client.get(urlsplit(asked["redirect_uri"]).path, {"error": "access_denied", "state": asked["state"]})

    assert refused(client, answer)


def test_switched_off_user_is_refused(client, provider):
    link(make_user(is_active=False), provider)

    assert refused(client, provider.go(client), "switched off")


@pytest.mark.parametrize(
    ("claims", "allowed", "linked"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"email_verified": False}, True, False),
        ({"email_verified": None}, True, False),
        ({"email_verified": "true"}, True, True),
        ({"email_verified": "yes"}, True, False),
        ({"email": "LIN@example.com"}, True, True),
        ({"email": "other@example.com"}, True, False),
    ],
)
def test_address_links_only_where_it_is_verified_and_allowed(client, provider, settings, claims, allowed, linked):
    settings.OIDC_LINK_BY_EMAIL = allowed
    user = make_user(email="lin@example.com")
    provider.claims = claims

    answer = provider.go(client)

    if linked:
        assert client.session["_auth_user_id"] == str(user.pk)
        assert SocialAccount.objects.get().extra_data == {}
    else:
        assert refused(client, answer, "Nobody here belongs to this identity")
        assert not SocialAccount.objects.exists()


def test_address_of_two_links_neither(client, provider, settings):
    settings.OIDC_LINK_BY_EMAIL = True
    make_user(email="lin@example.com")
    make_user(email="lin@example.com")

    assert refused(client, provider.go(client), "Nobody here")


def test_switched_off_user_is_not_linked_by_address(client, provider, settings):
    settings.OIDC_LINK_BY_EMAIL = True
    make_user(email="lin@example.com", is_active=False)

    assert refused(client, provider.go(client), "switched off")
    assert not SocialAccount.objects.exists()


def test_strangers_get_a_log_in_only_where_that_is_allowed(client, provider, settings):
    provider.claims = {"given_name": "Yue", "family_name": "Lin"}
    assert refused(client, provider.go(client), "Nobody here")
    settings.OIDC_SIGN_UP = True

    provider.go(client)

    user = User.objects.get(email="lin@example.com")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert (user.username, user.first_name, user.role, user.is_staff) == ("lin", "Yue", "member", False)
    assert not user.has_usable_password()


def test_sign_up_takes_no_address_that_somebody_has(client, provider, settings):
    settings.OIDC_SIGN_UP = True
    make_user(email="lin@example.com")

    assert refused(client, provider.go(client), "Nobody here")
    assert User.objects.count() == 1


def test_second_factor_stands_behind_single_sign_on_too(client, provider):
    user, _codes = with_app()
    link(user, provider)

    answer = provider.go(client)

    assert answer.headers["Location"] == "/login/code/"
    assert not is_in(client)


def test_role_that_needs_a_second_factor_sets_one_up_after_single_sign_on(client, provider):
    LoginRule.objects.create(second_factor_roles=["member"])
    link(make_user(), provider)

    assert provider.go(client).headers["Location"] == "/login/setup/"
    assert not is_in(client)


def test_identity_is_linked_from_ones_own_page_and_unlinked_there(client, provider):
    user = make_user()
    client.force_login(user)

    answer = provider.go(client, "/you/identity/")
    assert answer.headers["Location"] == "/you/"
    row = SocialAccount.objects.get(user=user)
    assert "Company" in client.get("/you/").content.decode()
    other = Client()
    provider.go(other)
    assert other.session["_auth_user_id"] == str(user.pk)

    assert client.post(f"/you/identity/{row.pk}/unlink/", {"password": "wrong"}).status_code == 422
    client.post(f"/you/identity/{row.pk}/unlink/", {"password": PASSWORD})
    assert not SocialAccount.objects.exists()


def test_identity_of_somebody_else_is_not_taken_over(client, provider):
    link(make_user(), provider)
    user = make_user()
    client.force_login(user)

    provider.go(client, "/you/identity/")

    assert not SocialAccount.objects.filter(user=user).exists()
    assert "belongs to another log-in" in client.get("/you/").content.decode()


def test_linking_is_for_whoever_began_it(client, provider):
    client.force_login(make_user())
    there = client.get("/you/identity/")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there.headers["Location"]).query).items()}
    provider.asked = asked
    client.session["_auth_user_id"]
    session = client.session
    intruder = make_user()
    session["_auth_user_id"] = str(intruder.pk)
    session["_auth_user_hash"] = intruder.get_session_auth_hash()
    session.save()

    client.get(urlsplit(asked["redirect_uri"]).path, {"code": "c", "state": asked["state"]})

    assert not SocialAccount.objects.exists()


def test_only_way_in_stays(client, provider):
    user = make_user()
    row = link(user, provider)
    user.set_unusable_password()
    user.save()
    client.force_login(user)

    client.post(f"/you/identity/{row.pk}/unlink/")

    assert SocialAccount.objects.filter(pk=row.pk).exists()


def test_missing_address_is_asked_for_and_has_to_be_about_the_same_person(client, provider, settings):
    settings.OIDC_LINK_BY_EMAIL = True
    make_user(email="lin@example.com")
    provider.without, provider.userinfo = ("email", "email_verified"), {
        "sub": "somebody-else", "email": "lin@example.com", "email_verified": True,
    }  # fmt: skip
    assert refused(client, provider.go(client))
    provider.userinfo["sub"] = "s-1"

    provider.go(client)

    assert is_in(client)


@pytest.mark.parametrize("path", ["/login/sso/", "/login/sso/sso-1/callback/", "/you/identity/"])
def test_without_a_provider_there_is_no_such_address(client, path):
    client.force_login(make_user())

    assert client.get(path).status_code == 404
    assert "sso" not in Client().get("/login/").content.decode()


def test_code_still_works_after_sso(client, provider):
    import time_machine

    from tests.web.test_second_factor import NOON

    with time_machine.travel(NOON, tick=True):
        user, _codes = with_app()
        link(user, provider)
        provider.go(client)
        client.post("/login/code/", {"code": code_at(NOON)})

        assert is_in(client)
