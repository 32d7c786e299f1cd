"""The guard against formulas: undone exactly, and the same rule in Python and in the database."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.imports.guard import guard, guard_sql, is_formula, unguard

STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
# Texts that begin as dangerous ones do.
NEAR = st.text(
    st.sampled_from(
        "'=+-@＝＋－＠﹢ \t\r\n;;\"\u00a0\u3000\u200b\u2060\u202e\u00ad\ufeff\x1f\x85\u1680\u202f019٣３.,aA\\~"
    ),
    max_size=9,
)


def guarded_by_database(texts: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {guard_sql('t')} FROM unnest(%s::text[]) WITH ORDINALITY AS given(t, n) ORDER BY n", [texts]
        )
        return [row[0] for row in cursor.fetchall()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STORABLE | NEAR, min_size=1, max_size=60))
def test_database_guards_as_python_does(db, texts):
    assert guarded_by_database(texts) == [guard(text) for text in texts]


def test_every_first_sign_is_judged_alike_by_both(db):
    signs = [chr(code) for code in range(1, 0x3100)] + [chr(code) for code in range(0xFE00, 0x10000)]
    texts = [text for sign in signs for text in (sign, f"{sign}=1", f"'{sign}1", f"-{sign}")]

    assert guarded_by_database(texts) == [guard(text) for text in texts]


def test_no_text_stays_no_text(db):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {guard_sql('t')} FROM (SELECT NULL::text AS t) AS given")
        assert cursor.fetchall() == [(None,)]


@settings(max_examples=300, deadline=None)
@given(STORABLE | NEAR)
def test_guard_is_undone_exactly(text):
    assert unguard(guard(text)) == text


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("\u2060=1+1", "'\u2060=1+1"),
        ("\u202e\u00ad=1+1", "'\u202e\u00ad=1+1"),
        ("﹦1+1", "'﹦1+1"),
        ("a;=1+1;b", "a;'=1+1;b"),
        ('a;"=1+1;b', "a;'\"=1+1;b"),
        ("a\n=1+1", "a\n'=1+1"),
        ("a\t @SUM(1)", "a\t' @SUM(1)"),
        ("a;-5;+7", "a;-5;+7"),
        ("a; b - c = d", "a; b - c = d"),
        ("-5", "-5"),
    ],
)
def test_guarded_texts(text, guarded):
    assert (guard(text), unguard(guarded)) == (guarded, text)


def test_formula_is_known_by_its_first_sign_that_is_seen():
    assert [is_formula(text) for text in ("=1", " \u200b＝1", "\u2060=", "+Plus GmbH", "@home", "-", "a=1", "'=1")] == [
        *(True, True, True),
        *(False,) * 5,
    ]
