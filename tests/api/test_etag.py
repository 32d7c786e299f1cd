import threading

import pytest
from django.db import connection

from accounts.models import Product
from tests.api.conftest import assert_problem
from tests.factories import make_product, make_superuser

LIST = "/api/v1/products/"


@pytest.fixture
def product(db):
    return make_product(name="Before")


@pytest.fixture
def address(product):
    return f"{LIST}{product.pk}/"


def test_detail_and_change_carry_the_tag_that_the_next_read_gives(admin, address):
    tag = admin.get(address).headers["ETag"]
    changed = admin.patch(address, {"name": "After"}, format="json", headers={"If-Match": tag})

    assert changed.status_code == 200
    assert changed.json()["name"] == "After"
    assert changed.headers["ETag"] == admin.get(address).headers["ETag"] != tag


def test_a_new_row_answers_with_its_address_and_tag(admin):
    created = admin.post(LIST, {"code": "N1"}, format="json")

    assert created.status_code == 201
    assert created.headers["Location"] == f"{LIST}{created.json()['id']}/"
    assert admin.get(created.headers["Location"]).headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_change_without_if_match_is_428(admin, address, product, method):
    assert_problem(getattr(admin, method)(address, {"code": "Z", "name": "After"}, format="json"), 428)

    product.refresh_from_db()
    assert product.name == "Before"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("tag", ['"stale"', "", "nonsense", "W/{tag}", '"a", "b"'])
def test_stale_tag_is_412_and_changes_nothing(admin, address, product, method, tag):
    current = admin.get(address).headers["ETag"]
    headers = {"If-Match": tag.replace("{tag}", current)}

    assert_problem(getattr(admin, method)(address, {"code": "Z"}, format="json", headers=headers), 412)

    product.refresh_from_db()
    assert (product.code != "Z", product.name) == (True, "Before")


@pytest.mark.parametrize("form", ["*", "{tag}", '"other", {tag}'])
def test_matching_tags_admit_the_change(admin, address, form):
    tag = admin.get(address).headers["ETag"]

    changed = admin.put(address, {"code": "Z"}, format="json", headers={"If-Match": form.replace("{tag}", tag)})

    assert changed.status_code == 200


def test_delete_needs_no_tag(admin, address):
    assert admin.delete(address).status_code == 204
    assert_problem(admin.get(address), 404)


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}'])
def test_unchanged_detail_is_304_without_a_body(admin, address, form):
    tag = admin.get(address).headers["ETag"]

    response = admin.get(address, headers={"If-None-Match": form.replace("{tag}", tag)})

    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)
    assert admin.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_was_read_can_be_sent_back_whole(admin, address):
    read = admin.get(address)

    sent = admin.put(address, read.json(), format="json", headers={"If-Match": read.headers["ETag"]})

    assert sent.status_code == 200
    assert {**sent.json(), "updated_at": None} == {**read.json(), "updated_at": None}


@pytest.mark.django_db(transaction=True)
def test_of_changes_that_read_the_same_version_one_wins(rest):
    product = make_product()
    user = make_superuser()
    address = f"{LIST}{product.pk}/"
    clients = [rest(user) for _ in range(6)]
    tag = clients[0].get(address).headers["ETag"]
    barrier, statuses = threading.Barrier(len(clients)), []

    def change(number, client):
        barrier.wait()
        body = {"name": f"by {number}"}
        statuses.append(client.patch(address, body, format="json", headers={"If-Match": tag}).status_code)
        connection.close()

    threads = [threading.Thread(target=change, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 412, 412, 412, 412, 412]
    assert Product.objects.get().name.startswith("by ")
