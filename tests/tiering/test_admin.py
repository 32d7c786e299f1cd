from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import make_account, make_superuser, make_user
from tests.tiering.worked_example import AS_OF, RAW, make_draft, make_night, make_score
from tiering.admin.fields import AnchorsField, anchors_text, parse_anchors
from tiering.enums import ModelState
from tiering.models import Activation, GradePeriod, GradeRule, Indicator, Score, ScoringModel, TierRun
from tiering.services import activate_model, create_model


@pytest.fixture
def night(db) -> TierRun:
    return make_night(activate_model(model=make_draft()))


@pytest.fixture
def admin_client(client, db):
    client.force_login(make_superuser(username="root"))
    return client


def form_of(model: ScoringModel) -> dict[str, object]:
    """What the browser sends for a model as it is stored."""
    form: dict[str, object] = {"name": model.name, "note": model.note, "min_base": "1000"}
    form |= {"evidence_any": "0.6", "evidence_up": "0.8", "min_dimension_evidence": "0.5", "min_valid_weight": "0.7"}
    form |= {"buffer_score": "5", "buffer_growth": "10", "buffer_money": "0.9"}
    form |= {"confirm_up_days": "7", "confirm_down_days": "28", "confirm_problem_days": "28"}
    form["gross_profit_test"] = "on"
    for prefix, names in (
        ("dimensions", ("weight",)),
        ("indicators", ("dimension_id", "code", "weight", "anchors")),
        ("rules", ("grade", "condition", "threshold")),
    ):
        rows = list(getattr(model, prefix).all())
        form |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": len(rows)}
        for number, row in enumerate(rows):
            form |= {f"{prefix}-{number}-id": row.pk, f"{prefix}-{number}-model": model.pk}
            for name in names:
                value = getattr(row, name)
                key = f"{prefix}-{number}-{name.removesuffix('_id')}"
                form[key] = anchors_text(value) if name == "anchors" else str(value)
    return form


def change_url(model: ScoringModel) -> str:
    return reverse("admin:tiering_scoringmodel_change", args=[model.pk])


def preview(client, model: ScoringModel, **changes) -> str:
    url = reverse("admin:tiering_scoringmodel_preview", args=[model.pk])
    return client.post(url, form_of(model) | changes).content.decode()


# --- Scales as lines ---


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("0 → 0\n20,000,000 → 75\n", [[0, 0], [20_000_000, 75]]),
        ("-0.4 -> 0\n\n 0.5: 100 ", [[-0.4, 0], [0.5, 100]]),
        ("1\t100\n5 = 0", [[1, 100], [5, 0]]),
        ("1 2\n1e3 4.5", [[1, 2], [1000, 4.5]]),
    ],
)
def test_scale_is_read_from_lines(text, anchors):
    assert parse_anchors(text) == anchors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 → 0", "two or more lines"),
        ("", "two or more lines"),
        ("0 → 0\n5", "Line 2"),
        ("0 → 0\n0,5 → 10", "Write 0.5 with a point"),
        ("0 → 0\n1 → 101", "between 0 and 100"),
        ("0 → 0\n1 → 50\n2 → 20", "only rise or only fall"),
        ("0 → 0\nnan → 20", "no number"),
        ("0 → 0\n1e400 → 20", "too large"),
        ("\n".join(f"{n} → {n}" for n in range(30)), "at most 20"),
    ],
)
def test_scale_that_is_none_is_refused_with_the_line(text, said):
    with pytest.raises(ValidationError) as refused:
        parse_anchors(text)

    assert said in refused.value.messages[0]


def test_scale_survives_the_way_to_text_and_back():
    anchors = [[-0.4, 0], [0, 40], [0.2, 70], [123456.789, 100]]

    assert parse_anchors(anchors_text(anchors)) == anchors
    assert not AnchorsField().has_changed(anchors, anchors_text(anchors))


# --- Saving a draft ---


def test_draft_is_saved_with_new_weights_and_scale(admin_client):
    draft = make_draft()
    sal, strategic = draft.dimensions.all()[:2]
    s1 = draft.indicators.get(code="S1")

    response = admin_client.post(
        change_url(draft),
        form_of(draft)
        | {"dimensions-0-weight": "30", "dimensions-1-weight": "35", "indicators-0-anchors": "0 → 0\n9,000,000 → 100"},
    )

    assert response.status_code == 302
    assert [d.weight for d in draft.dimensions.filter(pk__in=[sal.pk, strategic.pk])] == [30, 35]
    s1.refresh_from_db()
    assert s1.anchors == [[0, 0], [9_000_000, 100]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimensions-0-weight": "35"}, "The weights of the dimensions sum to 95 %: they must sum to 100 %."),
        ({"indicators-0-weight": "50.5"}, "The weights inside Sales contribution sum to 100.5 %"),
        ({"indicators-0-anchors": "0 → 10\n5 → 5\n9 → 7"}, "only rise or only fall"),
        ({"indicators-0-anchors": "five → 5"}, "Line 1"),
        ({"rules-0-grade": "potential"}, "does not test that condition"),
        ({"evidence_up": "0.5"}, "A move up cannot need less evidence"),
        ({f"indicators-{number}-DELETE": "on" for number in range(3)}, "Sales contribution has no indicator"),
    ],
)
def test_draft_with_a_fault_is_refused_with_words(admin_client, change, said):
    draft = make_draft()

    response = admin_client.post(change_url(draft), form_of(draft) | change)

    assert response.status_code == 200
    assert said in response.content.decode()
    assert draft.design() == ScoringModel.objects.get(pk=draft.pk).design()


def test_new_indicator_comes_last(admin_client):
    draft = make_draft()
    loyalty = draft.dimensions.get(code="LOY")
    form = form_of(draft)
    places = {draft.indicators.all()[n].code: n for n in range(15)}
    form |= {f"indicators-{places['L4']}-weight": "5", "indicators-TOTAL_FORMS": 16, "indicators-15-model": draft.pk}
    form |= {"indicators-15-dimension": loyalty.pk, "indicators-15-code": "L6", "indicators-15-weight": "10"}

    response = admin_client.post(change_url(draft), form | {"indicators-15-anchors": "1 → 100\n5 → 0"})

    assert response.status_code == 302
    assert draft.indicators.last().code == "L6"


# --- Versions ---


def test_version_in_use_can_only_be_looked_at(admin_client, night):
    url = change_url(night.model)

    page = admin_client.get(url).content.decode()

    assert 'name="dimensions-0-weight"' not in page
    assert admin_client.post(url, form_of(night.model)).status_code == 403
    assert admin_client.post(reverse("admin:tiering_scoringmodel_delete", args=[night.model.pk])).status_code == 403


def test_new_version_is_a_draft_equal_to_the_old(admin_client, night):
    url = reverse("admin:tiering_scoringmodel_new_version", args=[night.model.pk])

    looked = admin_client.get(url)
    made = admin_client.post(url, {"_form_submitted": "True", "note": "Try more loyalty"})

    draft = ScoringModel.objects.get(state=ModelState.DRAFT)
    assert looked.status_code == 200
    assert made.headers["HX-Redirect"] == change_url(draft)
    assert (draft.version, draft.note) == (2, "Try more loyalty")
    assert draft.design() == night.model.design()


def act(client, name: str, model: ScoringModel, **fields) -> int:
    url = reverse(f"admin:tiering_scoringmodel_{name}", args=[model.pk])
    return client.post(url, {"_form_submitted": "True", **fields}).status_code


def test_one_proposes_and_another_approves(client, admin_client, night):
    draft = make_draft()

    assert act(admin_client, "propose", draft, text="Loyalty counts more") == 200
    assert act(admin_client, "approve", draft) == 200

    assert ScoringModel.objects.get(pk=draft.pk).state == ModelState.PROPOSED
    assert "somebody else has to approve it" in admin_client.get(change_url(draft)).content.decode()
    client.force_login(make_superuser(username="second"))
    act(client, "approve", draft)
    states = dict(ScoringModel.objects.values_list("pk", "state"))
    assert states == {night.model.pk: ModelState.ACTIVE, draft.pk: ModelState.APPROVED}
    assert Activation.objects.get(model=draft).decided_by.username == "second"


def test_a_proposed_version_can_only_be_looked_at(admin_client, night):
    draft = make_draft()
    act(admin_client, "propose", draft, text="x")

    assert admin_client.post(change_url(draft), form_of(draft)).status_code == 403
    assert admin_client.post(reverse("admin:tiering_scoringmodel_delete", args=[draft.pk])).status_code == 403


def test_looking_at_the_proposal_proposes_nothing(admin_client):
    draft = make_draft()

    admin_client.get(reverse("admin:tiering_scoringmodel_propose", args=[draft.pk]))

    assert ScoringModel.objects.get(pk=draft.pk).state == ModelState.DRAFT


def test_proposal_that_is_refused_says_why(admin_client):
    draft = make_draft()
    GradeRule.objects.filter(model=draft, grade="gold", condition="revenue_ttm").delete()

    act(admin_client, "propose", draft, text="x")

    assert ScoringModel.objects.get(pk=draft.pk).state == ModelState.DRAFT
    assert "gold: revenue_ttm" in admin_client.get(change_url(draft)).content.decode()


def test_model_is_made_from_a_preset_with_its_amount(admin_client):
    url = reverse("admin:tiering_scoringmodel_new_from_preset")

    admin_client.post(url, {"_form_submitted": "True", "preset": "full", "diamond": "7000000", "currency": "EUR"})

    model = ScoringModel.objects.get()
    assert (model.preset, model.currency, model.state) == ("full", "EUR", ModelState.DRAFT)
    assert model.rules.get(grade="diamond", condition="revenue_each_year").threshold == Decimal(7_000_000)


def test_preset_without_revenue_says_what_to_do(admin_client):
    url = reverse("admin:tiering_scoringmodel_new_from_preset")

    admin_client.post(url, {"_form_submitted": "True", "preset": "ledger-only"})

    assert not ScoringModel.objects.exists()
    assert "Import revenue" in admin_client.get(reverse("admin:tiering_scoringmodel_changelist")).content.decode()


@pytest.mark.parametrize("name", ["new_version", "propose", "approve"])
def test_actions_need_their_right(client, night, name):
    staff = make_user(is_staff=True)
    rights = Permission.objects.filter(codename__in=["view_scoringmodel", "change_scoringmodel"])
    staff.user_permissions.set(rights)
    client.force_login(staff)
    draft = make_draft()

    answer = client.post(reverse(f"admin:tiering_scoringmodel_{name}", args=[draft.pk]), {"_form_submitted": "True"})

    assert answer.status_code == 403
    assert set(ScoringModel.objects.values_list("state", flat=True)) == {ModelState.ACTIVE, ModelState.DRAFT}


# --- Preview ---


def test_preview_gives_the_worked_example(admin_client, night):
    make_score(night, account=make_account(name="Example"))

    page = preview(admin_client, make_draft())

    assert "Example" in page
    assert '<span class="mp-score">67.1</span>' in page
    assert "● Gold" in page
    assert "Evidence 95%" in page
    assert "is-wrong" not in page


def test_preview_follows_the_form_and_stores_nothing(admin_client, night):
    make_score(night)
    draft = make_draft()
    tables = (ScoringModel, Indicator, GradeRule, Score, TierRun, GradePeriod)
    before = [list(table.objects.order_by("pk").values()) for table in tables]

    # All weight on sales contribution: its score alone, 64.
    page = preview(
        admin_client, draft,
        **{"dimensions-0-weight": "100", "dimensions-1-weight": "0", "dimensions-2-weight": "0", "dimensions-3-weight": "0"},
    )  # fmt: skip

    assert '<span class="mp-score">64.0</span>' in page
    assert str([list(table.objects.order_by("pk").values()) for table in tables]) == str(before)


def test_preview_follows_thresholds(admin_client, night):
    make_score(night)
    draft = make_draft()
    place = [rule.condition + rule.grade for rule in draft.rules.all()].index("revenue_each_yeardiamond")
    sal = [rule.condition + rule.grade for rule in draft.rules.all()].index("saldiamond")

    page = preview(admin_client, draft, **{f"rules-{place}-threshold": "11000000", f"rules-{sal}-threshold": "60"})

    assert "◆ Diamond" in page
    assert "now Gold" in page


def test_preview_of_weights_that_do_not_add_up_says_so_and_scales_them(admin_client, night):
    make_score(night)

    page = preview(admin_client, make_draft(), **{"dimensions-0-weight": "20"})

    assert "The weights of the dimensions sum to 80 %" in page
    assert "is-wrong" in page
    assert 'class="mp-score">67.8<' in page  # (20·64 + 25·64.375 + 20·66.764706 + 15·80.098039) / 80


def test_preview_survives_a_form_full_of_nonsense(admin_client, night):
    make_score(night)
    draft = make_draft()
    nonsense = {key: "x" for key in form_of(draft) if key.endswith(("weight", "anchors", "threshold", "evidence_any"))}

    page = preview(admin_client, draft, **nonsense, preview_account="999999999", preview_search="\x00")

    assert "mp-problems" in page


def test_preview_shows_the_chosen_account(admin_client, night):
    make_score(night, account=make_account(name="First"), composite=90)
    other = make_score(night, account=make_account(name="Second"), raw={"S1": 0, "S2": 0}, composite=10)

    page = preview(admin_client, make_draft(), preview_account=str(other.account_id))

    assert f'value="{other.account_id}" checked' in page


def test_preview_finds_accounts_the_user_may_see_only(client, night):
    staff = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_scoringmodel"))
    make_score(night, account=make_account(name="Mine", owner=staff))
    hidden = make_score(night, account=make_account(name="Foreign"))
    client.force_login(staff)

    pages = [
        preview(client, night.model),
        preview(client, night.model, preview_search="Foreign", preview_account=str(hidden.account_id)),
    ]

    assert [("Mine" in page, "Foreign" in page) for page in pages] == [(True, False), (False, False)]


def test_preview_before_the_first_night_shows_the_sums(admin_client):
    page = preview(admin_client, make_draft())

    assert "No night has been published yet" in page
    assert "Sum of the dimensions" in page


def test_preview_in_another_currency_is_withheld(admin_client, night):
    make_score(night)
    draft = create_model(preset="full", as_of=AS_OF, currency="EUR")

    assert "no preview before its night" in preview(admin_client, draft)


def test_preview_needs_the_right_to_view_models(client, night):
    client.force_login(make_user(is_staff=True))

    answer = client.post(reverse("admin:tiering_scoringmodel_preview", args=[night.model.pk]), {})

    assert answer.status_code == 403


# --- Results ---


def test_results_are_read_only_and_query_count_does_not_grow(admin_client, night):
    def add() -> None:
        account = make_account()
        make_score(night, account=account)
        GradePeriod.objects.create(account=account, grade="gold", valid_from=AS_OF, run=night)

    def counts() -> list[int]:
        found = []
        for name in ("tierrun", "score", "gradeperiod", "scoringmodel"):
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(reverse(f"admin:tiering_{name}_changelist")).status_code == 200
            found.append(len(captured))
        return found

    add()
    counts()
    with_one = counts()
    add()
    add()
    make_night(night.model, as_of=date(2026, 9, 30))

    assert [now <= before for now, before in zip(counts(), with_one, strict=True)] == [True] * 4
    score = Score.objects.first()
    assert admin_client.post(reverse("admin:tiering_score_change", args=[score.pk]), {"grade": "x"}).status_code == 403


def test_run_shows_counts_moves_and_phases(admin_client, night):
    page = admin_client.get(reverse("admin:tiering_tierrun_change", args=[night.pk])).content.decode()

    assert "<td>● Gold</td><td>1</td>" in page
    assert "<td>○ General</td><td>→</td><td>● Gold</td><td>1</td>" in page
    assert "<td>scores</td><td>0.50</td>" in page


def test_score_page_says_why(admin_client, night):
    score = make_score(night, contributions=[20.0] * len(RAW))

    page = admin_client.get(reverse("admin:tiering_score_change", args=[score.pk])).content.decode()

    assert "<td>Net revenue, 12 months</td><td>12.5 M</td><td>20</td>" in page
    assert "<td>score</td><td></td><td>67.1</td>" in page
    assert "94.8 %" in page
