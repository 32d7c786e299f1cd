import pytest

from accounts.models import Account
from accounts.search import fold, grams, index_new_accounts, search_text, sort_key
from tests.factories import make_account


def test_search_text_holds_name_pinyin_initials_and_code():
    text = search_text(code="HX-1", name="北京华夏科技", short_name="华夏", latin_name="Huaxia Technology")

    assert text.split("\n") == [
        "北京华夏科技",
        "华夏",
        "huaxia technology",
        "hx-1",
        "beijinghuaxiakeji",
        "bjhxkj",
        "huaxia",
        "hx",
        "ht",
    ]


@pytest.mark.parametrize(
    ("typed", "kept"), [("ＡＢＣ", "abc"), ("  a \u3000 b ", "a b"), ("Straße", "strasse"), ("\u00a0", "")]
)
def test_fold_makes_typed_and_stored_text_meet(typed, kept):
    assert fold(typed) == kept


def test_grams_never_span_two_words_of_the_search_text():
    assert grams("ab\ncd") == ["ab", "cd"]


def test_sort_key_puts_chinese_names_by_pinyin():
    assert sorted(["中国石化", "Acme", "北京银行"], key=sort_key) == ["Acme", "北京银行", "中国石化"]


@pytest.mark.parametrize("typed", ["华夏", "夏", "huaxia", "hxkj", "HX-", "hua xia tech", "北京华夏科技"])
def test_search_finds_two_characters_pinyin_initials_and_code(db, typed):
    wanted = make_account(code="HX-1", name="北京华夏科技", latin_name="Hua Xia Technology")
    make_account(name="上海电气")

    assert list(Account.objects.search(typed)) == [wanted]


@pytest.mark.parametrize("typed", ["夏华", "%", "_", "hxx", "科技\n"])
def test_search_matches_text_and_not_just_its_grams(db, typed):
    make_account(code="A", name="北京华夏")

    assert list(Account.objects.search(typed)) == []


def test_search_for_nothing_finds_all(db):
    account = make_account()

    assert list(Account.objects.search("  ")) == [account]


def test_renaming_an_account_moves_its_search_text(db):
    account = make_account(name="老名字")
    account.name = "新名字"
    account.save(update_fields=["name"])

    assert list(Account.objects.search("新名")) == [account]
    assert list(Account.objects.search("老名")) == []


def test_index_new_accounts_fills_what_a_bulk_insert_left_empty(db):
    account = make_account(name="Müller 机电")
    kept = Account.objects.values("search_text", "sort_key", "search_grams").get(pk=account.pk)
    Account.objects.update(search_text="", sort_key="", search_grams=[])

    assert index_new_accounts() == 1
    assert Account.objects.values("search_text", "sort_key", "search_grams").get(pk=account.pk) == kept
    assert index_new_accounts() == 0
