"""What no column holds never becomes a fault of ours: NUL, texts that are too long, numbers that are too large."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from crm.web.service_forms import FilesField
from tests.factories import make_account, make_override, make_superuser
from tests.web.people import AS_OF, make_cast, reach_end_of_2024
from tiering.enums import OverrideState

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client):
    client.raise_request_exception = False
    client.force_login(make_superuser())
    return client


@pytest.fixture
def override():
    cast = make_cast()
    reach_end_of_2024(cast.account)
    return make_override(account=cast.account, valid_from=AS_OF, valid_to=AS_OF + timedelta(days=20))


def refuse_to_store(*args, **kwargs):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 3000000000::int4")


def test_a_value_the_database_refuses_is_told(visitor, override, monkeypatch):
    """Whatever no form has looked at before."""
    monkeypatch.setattr("crm.web.overrides.on_seen", refuse_to_store)

    answer = visitor.post(reverse("tiering:override_end", args=[override.pk]), {"text": "x"})

    assert answer.status_code == 400
    assert "shorter text" in answer.content.decode()


def test_a_reason_longer_than_its_column_changes_nothing(visitor, override):
    answer = visitor.post(reverse("tiering:override_end", args=[override.pk]), {"text": "x" * 10_000})

    override.refresh_from_db()
    assert answer.status_code < 500
    assert override.state == OverrideState.APPROVED


def test_a_nul_is_taken_for_nothing_typed(visitor, override):
    visitor.post(reverse("tiering:override_end", args=[override.pk]), {"text": "Lo\x00st", "\x00": "x"})

    override.refresh_from_db()
    assert (override.state, override.closing_text) == (OverrideState.ENDED, "Lost")


@pytest.mark.parametrize("path", ["/admin/accounts/account/?q=%00Pump", "/accounts/?search=%00Pump", "/?x=%00"])
def test_a_nul_in_an_address_is_passed_over(visitor, path):
    make_account(name="Pumps")

    assert visitor.get(path).status_code in {200, 302}


@pytest.mark.parametrize("path", ["/metrics/%00/", "/admin/accounts/account/%00/change/", "/figures/%00/"])
def test_a_nul_in_a_path_leads_nowhere(visitor, path):
    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_period_that_cannot_be_read_is_told_by_the_export_of_a_figure_too(visitor, form):
    address = reverse("figure_export", args=["ttm_revenue", form])

    answer = visitor.get(address, {"comparison": "9999-12-31"})

    assert (
        answer.status_code
        == visitor.get(reverse("figure", args=["ttm_revenue"]), {"comparison": "9999-12-31"}).status_code
    )
    assert 400 <= answer.status_code < 500
    assert "cannot be read" in answer.content.decode()


def test_a_file_beside_the_word_to_clear_it_is_a_file():
    both = SimpleUploadedFile("a.csv", b"a,b\n1,2\n")
    widget = FilesField().widget

    sent = widget.value_from_datadict({"files-clear": "on"}, MultiValueDict({"files": [both]}), "files")

    assert FilesField().clean([sent, both]) == [both]


def test_what_is_no_key_in_a_pick_list_of_the_admin_is_told_beside_the_field(visitor):
    answer = visitor.post("/admin/accounts/walletestimate/add/", {"account": "x'"})

    assert answer.status_code == 200
    assert "Select a valid choice" in answer.content.decode()


def test_an_empty_field_in_an_address_of_the_admin_names_none(visitor):
    key = make_account().pk

    assert visitor.get(f"/admin/accounts/account/{key}/change/?_to_field=").status_code == 200


def test_what_is_no_key_in_an_address_of_the_admin_leads_nowhere(visitor):
    assert visitor.get("/admin/tiering/scoringmodel/x/propose/").status_code in {302, 403, 404}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/admin/accounts/receivable/", {"action": "delete_selected", "index": "0", "_selected_action": "?"}),
        ("/admin/service/interaction/add/", {"kind": "meeting", "our_people": "{}"}),
    ],
)
def test_letters_where_the_admin_wants_a_key_are_a_bad_request(visitor, path, data):
    assert visitor.post(path, data).status_code == 400
