"""Log-in, log-out and the change of password."""

import pytest
from django.conf import settings
from django.urls import reverse

from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-Passw0rd"


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [("", "/"), ("/accounts/", "/accounts/"), ("https://evil.example/", "/"), ("//evil.example/", "/")],
)
def test_login_leads_to_next_only_on_this_site(client, wanted, led_to):
    user = make_user()

    response = client.post("/login/", {"username": user.username, "password": PASSWORD, "next": wanted})

    assert (response.status_code, response.headers["Location"]) == (302, led_to)
    assert client.session["_auth_user_id"] == str(user.pk)


def test_login_with_a_wrong_password_says_how_to_mend_it(client):
    user = make_user()

    response = client.post("/login/", {"username": user.username, "password": "wrong"})

    assert response.status_code == 200
    assert "User name and password do not match" in response.content.decode()
    assert f'value="{user.username}"' in response.content.decode()


def test_login_brings_the_language_of_the_user(client):
    user = make_user(language="zh-hans")

    response = client.post("/login/", {"username": user.username, "password": PASSWORD})

    assert response.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"


def test_logout_takes_a_post_only(client):
    client.force_login(make_user())

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_changed_password_counts_at_once(client):
    user = make_user()
    client.force_login(user)
    new = "another-Passw0rd-x"

    response = client.post(
        reverse("password_change"), {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )

    user.refresh_from_db()
    assert response.status_code == 302
    assert user.check_password(new)


def test_weak_password_is_refused_beside_its_field(client):
    client.force_login(make_user())

    response = client.post(
        reverse("password_change"), {"old_password": PASSWORD, "new_password1": "12345", "new_password2": "12345"}
    )

    assert 'id="id_new_password2_error"' in response.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/", "/accounts/", "/accounts/1/", "/accounts/1/grade/", "/search/", "/figures/growth_rate/", "/password/",
     "/accounts/export/csv/", "/accounts/columns/", "/accounts/views/"],
)  # fmt: skip
def test_pages_lead_the_unknown_to_the_login(client, path):
    response = client.get(path)

    assert (response.status_code, response.headers["Location"]) == (302, f"/login/?next={path}")


def test_expired_login_leads_htmx_to_the_login_as_a_page(client):
    response = client.get(
        "/accounts/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/?grade=gold"}
    )

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/login/?next=/accounts/%3Fgrade%3Dgold"
