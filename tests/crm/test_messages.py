"""The catalogues: whole, compiled, and with the words that the admin's skin lacks."""

import re
import string
from pathlib import Path

import pytest
import unfold
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, to_locale

from crm import admin_texts
from tests.catalogues import Entry, read_mo, read_po

LOCALE = Path(settings.BASE_DIR) / "locale"
TRANSLATED = sorted(path for path in LOCALE.glob("*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%%|%[sdf]|\{\w*\}|</?[a-z]+")
# Skins for packages that are not installed here.
FOREIGN = ("constance", "forms", "guardian", "import_export", "inlines", "location_field", "simple_history")
TRANS_TAG = re.compile(r"\{%\s*trans(?:late)?\s+(\"[^\"]+\"|'[^']+')")


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.parts[-3])
def test_catalogue_has_no_empty_or_fuzzy_entry(path):
    assert [entry.source for entry in read_po(path) if not entry.is_complete] == []


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.parts[-3])
def test_catalogue_keeps_placeholders_and_tags(path):
    def differs(entry: Entry) -> bool:
        wanted = {*PLACEHOLDER.findall(entry.source), *PLACEHOLDER.findall(entry.plural or "")}
        return any(set(PLACEHOLDER.findall(text)) - wanted for text in entry.texts.values()) or not wanted <= {
            mark for text in entry.texts.values() for mark in PLACEHOLDER.findall(text)
        }

    assert [entry.source for entry in read_po(path) if differs(entry)] == []


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.parts[-3])
def test_compiled_catalogue_is_up_to_date(path):
    compiled = read_mo(path.with_suffix(".mo"))

    assert compiled == {entry.key: entry.texts for entry in read_po(path)}


@pytest.mark.skipif(not TRANSLATED, reason="no catalogue is made yet: make messages")
def test_every_language_offered_has_its_catalogue():
    offered = {to_locale(code) for code, _name in settings.LANGUAGES if code != "en"}

    assert {path.parts[-3] for path in TRANSLATED} == offered


def test_admin_texts_cover_what_the_skin_leaves_in_english():
    here = {text.strip() for text in admin_texts.TEXTS}
    folder = Path(unfold.__file__).parent
    templates = [path for path in folder.rglob("*.html") if not set(path.relative_to(folder).parts) & set(FOREIGN)]
    used = {quoted[1:-1] for path in templates for quoted in TRANS_TAG.findall(path.read_text(encoding="utf-8"))}
    with translation.override("zh-hant"):
        unknown = {text for text in used if text not in here and not _is_translated(text)}

    assert unknown == set()


def _is_translated(text: str) -> bool:
    return gettext(text) != text or not set(text) & set(string.ascii_letters)


def test_catalogue_reader_sees_gaps(tmp_path):
    path = tmp_path / "django.po"
    path.write_text(
        'msgid ""\nmsgstr "Language: x\\n"\n\n#, fuzzy\nmsgid "one"\nmsgstr "eins"\n\nmsgid "two"\nmsgstr ""\n\n'
        'msgctxt "c"\nmsgid "three"\nmsgstr "dr"\n"ei"\n\nmsgid "cat"\nmsgid_plural "cats"\nmsgstr[0] "Katze"\nmsgstr[1] ""\n',
        encoding="utf-8",
    )

    found = read_po(path)

    assert [(entry.key, entry.is_complete) for entry in found] == [
        ("one", False),
        ("two", False),
        ("c\x04three", True),
        ("cat", False),
    ]
