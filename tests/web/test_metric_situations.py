"""Every question in every situation in which figures are undefined: an answer with its reason, never a blank or a crash."""

import re
from html import unescape

import pytest

from crm.web.metric_questions import QUESTIONS
from tests.factories import make_superuser
from tests.situations import SITUATIONS, make_situation, period_choices

pytestmark = pytest.mark.django_db
NOT_FOR_READERS = re.compile(r".{0,40}(?<![\w-])(?:None(?! of )|nan|NaN|inf|Infinity)(?![\w-]).{0,40}")


def asked(key, situation, filters):
    fields = QUESTIONS[key].form.base_fields
    return {**filters, **{name: value for name, value in period_choices(situation).items() if name in fields}}


def visible_text(html):
    """What people read, tags left out."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", html)).split())


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("key", list(QUESTIONS))
def test_question_in_a_situation_without_figures_is_answered_with_a_reason(client, key, situation):
    client.force_login(make_superuser())
    filters = make_situation(situation)

    response = client.get(f"/metrics/{key}/", asked(key, situation, filters))

    text = visible_text(response.content.decode())
    assert not NOT_FOR_READERS.findall(text)
    if response.status_code != 200:
        assert response.status_code == 422
        assert response.context.get("refusal") or response.context["form"].errors
        return
    shown = response.context["shown"]
    assert visible_text(str(shown.sentence)).strip()
    for figure in shown.figures:
        assert figure.value is not None or str(figure.reason), figure.key
        if figure.value is None:
            assert str(figure.reason) in unescape(text), figure.key


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("key", list(QUESTIONS))
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_question_in_a_situation_without_figures_goes_out_as_a_file(client, key, situation, form):
    client.force_login(make_superuser())
    filters = make_situation(situation)

    response = client.get(f"/metrics/{key}/export/{form}/", asked(key, situation, filters))

    assert response.status_code in (200, 302, 422)
    assert (
        b"".join(response.streaming_content) if response.streaming else response.content or response.status_code == 302
    )


@pytest.mark.parametrize(
    ("key", "choices", "field", "says"),
    [
        ("lifetime", {"discount": "-1"}, "discount", "0"),
        ("lifetime", {"horizon_months": "0"}, "horizon_months", "1"),
        (
            "retention-economics",
            {"uplift_kind": "points", "retention": "100", "discount": "0"},
            "discount",
            "give a discount",
        ),
        ("growth", {"base": "2024", "comparison": "2023"}, "base", "earlier"),
        ("growth", {"base": "2023-13", "comparison": "2024"}, "base", "2011-Q2"),
        ("activity", {"period": "some day"}, "period", "2011-Q2"),
    ],
)
def test_choice_out_of_its_domain_is_refused_with_the_domain(client, key, choices, field, says):
    client.force_login(make_superuser())
    make_situation("one_account")

    response = client.get(f"/metrics/{key}/", choices)

    assert response.status_code == 422
    (error,) = response.context["form"].errors[field]
    assert says in error
    assert error in unescape(response.content.decode())
