"""Company names as people mean them: what two spellings of one company have in common, and how much. Pure.

A name is read as words with weights. Legal forms weigh nothing, words of a trade or a place little, numbers much; what is
left is the name proper. Chinese names have no blanks: their place, trade and legal form are taken off both ends, and the
rest is one word. All figures here are [D]; ``tests/bench/README.md`` states what they find on labelled pairs.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from accounts.names_words import (
    HAN_FORMS,
    HAN_PLACES,
    HAN_TRADES,
    LATIN_FORMS,
    LATIN_PLACES,
    LATIN_TRADES,
    LONG_FORMS,
    SIMPLIFIED,
)
from accounts.search import HAN, pinyin_of

ALIKE = 0.8  # score from which two names are shown as possibly one company
WEIGHT, TRADE_WEIGHT, PLACE_WEIGHT, NUMBER_WEIGHT = 1.0, 0.35, 0.2, 1.5
OTHER_PLACE = 0.85  # factor where both names name a place, and not the same
LEAST_SOFT = 4  # letters from which words may differ a little
LEAST_ALIKE = 0.8  # of two words, by their letters
LEAST_JOINED, JOINED_ALIKE = 7, 0.9  # letters of a name proper written in one, and how alike two of them have to be
OTHER_NAME = 0.97  # factor where one of several names of a company meets the other
SOUND = 0.95  # factor where a Chinese name meets a Latin one by its pinyin
KEY_LENGTH, GRAM_LENGTH, MOST_GRAMS = 200, 3, 60

ALIASES = re.compile(
    r"\s(?:o\s?/\s?a|d\s?/\s?b\s?/\s?a|dba|t\s?/\s?a|c\s?/\s?o|operating as|doing business as|trading as|carrying on"
    r" business as|a division of|formerly(?: known as)?|also known as|aka|as represented by)[\s:.]",
)
BRACKETS = re.compile(r"[(（\[【]([^)）\]】]*)[)）\]】]?")
DOTTED = re.compile(r"\b((?:[a-z]\.){2,}[a-z]?)")
SINGLE_LETTERS = re.compile(r"\b(?:[a-z] ){1,}[a-z]\b")
NOT_WORDS = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
HAN_RUN = re.compile(r"[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Name:
    """One reading of a name. words : word → weight, without legal forms; places : those it names; proper : what is neither
    trade nor place, in one."""

    words: tuple[tuple[str, float], ...]
    places: frozenset[str]
    proper: str

    @property
    def key(self) -> str:
        """Equal for spellings that differ in case, points, blanks, legal form and the order of words."""
        return " ".join(sorted(word for word, _weight in self.words))


def plain(text: str) -> str:
    """NFKC, lower case, without accents, in simplified characters, apostrophes gone and ``&`` written out."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return bare.translate(SIMPLIFIED).replace("’", "'").replace("'", "").replace("&", " and ").replace("+", " and ")


@lru_cache(maxsize=65536)
def readings(name: str) -> tuple[Name, ...]:
    """Every name that a spelling holds: itself, and the parts of "A o/a B" and "A (B)"; the whole first."""
    text = f" {plain(name)} "
    outside = BRACKETS.sub(" ", text)
    outside = outside if NOT_WORDS.sub("", outside) else text
    parts = [ALIASES.sub(" ", outside)]
    parts += [part for part in ALIASES.split(outside) if part != outside]
    parts += [inside for inside in BRACKETS.findall(text) if len(NOT_WORDS.sub("", inside)) >= LEAST_SOFT]
    found = [_name_of(part) for part in parts]
    return tuple(dict.fromkeys(one for one in found if one.words))


def _name_of(text: str) -> Name:
    text = DOTTED.sub(lambda found: found[1].replace(".", ""), text)
    text = NOT_WORDS.sub(" ", text).strip()
    text = SINGLE_LETTERS.sub(lambda found: found[0].replace(" ", ""), text)
    words: dict[str, float] = {}
    places: set[str] = set()
    for word in text.split():
        for piece in HAN_RUN.findall(word):
            _add_han(piece, words, places)
        for piece in HAN_RUN.sub(" ", word).split():
            _add_latin(piece, words, places)
    if not words:  # nothing but legal forms: then they are the name
        words = dict.fromkeys(text.split(), WEIGHT)
    proper = "".join(word for word, weight in words.items() if weight >= WEIGHT)
    return Name(tuple(words.items()), frozenset(places), proper)


def _add_latin(word: str, words: dict[str, float], places: set[str]) -> None:
    if word in LATIN_FORMS or _is_misspelt_form(word):
        return
    if any(letter.isdigit() for letter in word):
        words[word] = NUMBER_WEIGHT
    elif word in LATIN_PLACES:
        words[word] = PLACE_WEIGHT
        places.add(word)
    else:
        bare = _singular(word)
        words[bare] = TRADE_WEIGHT if word in LATIN_TRADES or bare in LATIN_TRADES else WEIGHT


@lru_cache(maxsize=65536)
def _is_misspelt_form(word: str) -> bool:
    """Limted, Linmited, Compnay: long legal forms, one or two letters off."""
    return len(word) > LEAST_SOFT + 1 and any(
        word[0] == form[0] and _letters(word, form) >= LEAST_ALIKE for form in LONG_FORMS
    )


def _singular(word: str) -> str:
    return word[:-1] if len(word) > LEAST_SOFT and word.endswith("s") and not word.endswith("ss") else word


def _add_han(run: str, words: dict[str, float], places: set[str]) -> None:
    """Place, trade and legal form off both ends; what is between is the name proper, unless nothing would be left."""
    rest = run
    for form in HAN_FORMS:
        rest = rest.replace(form, "") or rest
    for place in HAN_PLACES:
        if rest.startswith(place) and len(rest) > len(place):
            places.add(place)
            words[place] = PLACE_WEIGHT
            rest = rest[len(place) :].lstrip("省市区县") or rest[len(place) :]
            break
    trades: list[str] = []
    while trade := next((one for one in HAN_TRADES if rest.endswith(one) and len(rest) > len(one) + 1), ""):
        rest = rest[: -len(trade)]
        trades.append(trade)
    words[rest] = WEIGHT
    words.update(dict.fromkeys(trades, TRADE_WEIGHT))


def likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1: twice the weight they share over the weight of both, best pair of readings."""
    first, second = readings(one), readings(other)
    best = 0.0
    for place, mine in enumerate(first):
        for position, theirs in enumerate(second):
            factor = 1.0 if place == position == 0 else OTHER_NAME
            best = max(best, factor * _shared(mine, theirs))
    if bool(HAN.search(one)) != bool(HAN.search(other)):
        best = max(best, SOUND * _by_sound(first, second))
    return best


def _shared(mine: Name, theirs: Name) -> float:
    if mine.key == theirs.key:
        return 1.0
    found = _overlap(mine.words, theirs.words)
    joined = min(len(mine.proper), len(theirs.proper))
    if joined >= LEAST_JOINED and mine.places == theirs.places and not _differ_in_numbers(mine, theirs):
        alike = _letters(mine.proper, theirs.proper)
        others = _overlap(_lesser(mine), _lesser(theirs)) if _lesser(mine) or _lesser(theirs) else 1.0
        if alike >= JOINED_ALIKE:
            found = max(found, alike * (0.9 + 0.1 * others))
    if mine.places and theirs.places and not mine.places & theirs.places:
        found *= OTHER_PLACE
    return found


def _lesser(name: Name) -> tuple[tuple[str, float], ...]:
    return tuple((word, weight) for word, weight in name.words if weight < WEIGHT)


def _differ_in_numbers(mine: Name, theirs: Name) -> bool:
    numbers = [{word for word, _weight in name.words if any(map(str.isdigit, word))} for name in (mine, theirs)]
    return numbers[0] != numbers[1]


def _overlap(mine: tuple[tuple[str, float], ...], theirs: tuple[tuple[str, float], ...]) -> float:
    """Words meet in pairs, the most alike first; words of names proper that are met by nothing count in full."""
    pairs = sorted(
        (
            (_words_alike(word, other), weight, other_weight, word, other)
            for word, weight in mine for other, other_weight in theirs
        ),
        key=lambda pair: (-pair[0], -pair[1]),
    )  # fmt: skip
    total = sum(weight for _word, weight in (*mine, *theirs))
    shared, used = 0.0, set[tuple[int, str]]()
    for alike, weight, other_weight, word, other in pairs:
        if alike <= 0 or (0, word) in used or (1, other) in used:
            continue
        used |= {(0, word), (1, other)}
        shared += alike * (weight + other_weight)
    return shared / total if total else 0.0


@lru_cache(maxsize=262144)
def _words_alike(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if any(map(str.isdigit, word + other)) or word[0] != other[0] or min(len(word), len(other)) < LEAST_SOFT:
        return 0.0
    alike = _letters(word, other)
    return alike if alike >= LEAST_ALIKE else 0.0


def _letters(one: str, other: str) -> float:
    from rapidfuzz.distance import DamerauLevenshtein

    return DamerauLevenshtein.normalized_similarity(one, other)


def _by_sound(first: tuple[Name, ...], second: tuple[Name, ...]) -> float:
    """A Chinese name against a Latin one: the pinyin of its proper name against theirs, in one word."""
    best = 0.0
    for mine in first[:1]:
        for theirs in second[:1]:
            sounds = [pinyin_of(name.proper)[0] or name.proper for name in (mine, theirs)]
            if min(map(len, sounds)) >= LEAST_SOFT and sounds[0] == sounds[1]:
                best = 1.0
    return best


def name_key(name: str) -> str:
    found = readings(name)
    return found[0].key[:KEY_LENGTH] if found else ""


def name_grams(*names: str) -> list[str]:
    """Pieces of three letters of the words that tell a company from others (two characters of a Chinese one, and its
    pinyin), sorted: what the index is asked for. Of a name that is all trades and places, of those."""
    grams: set[str] = set()
    for name in names:
        for reading in readings(name) if name else ():
            telling = [word for word, weight in reading.words if weight >= WEIGHT]
            for word in telling or [word for word, _weight in reading.words]:
                grams |= _pieces(word)
                grams |= _pieces(pinyin_of(word)[0]) if HAN.search(word) else set()
    return sorted(grams)[:MOST_GRAMS]


def _pieces(word: str) -> set[str]:
    if HAN.search(word):
        return {word[at : at + 2] for at in range(max(1, len(word) - 1))}
    marked = f"^{word}"
    return {marked[at : at + GRAM_LENGTH] for at in range(max(1, len(marked) - GRAM_LENGTH + 1))} if word else set()
