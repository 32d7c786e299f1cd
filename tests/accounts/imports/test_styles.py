from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.imports.cells import normal_number, plain_number
from accounts.imports.sniff import sniff_delimiter
from accounts.imports.styles import COMMA, POINT, DateEvidence, NumberEvidence, NumberStyle, date_parser


def number_style(*cells):
    evidence = NumberEvidence()
    evidence.add(cells)
    return evidence.decide()


def date_formats(*cells):
    evidence = DateEvidence()
    evidence.add(cells)
    return evidence.decide()


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["6.95", "12"], POINT),
        (["6,95", "12"], COMMA),
        (["1,234.50"], POINT),
        (["1.234,50"], COMMA),
        (["1,234,567"], POINT),
        (["1.234.567"], COMMA),
        (["6.950", "0.850"], POINT),
        (["1234,500"], COMMA),
        (["1 234,5"], NumberStyle(",", " ")),
        (["1\u202f234,5"], NumberStyle(",", " ")),
        (["1'234.50"], NumberStyle(".", "'")),
        (["12", "1234", "-5", ""], POINT),
        (["(1,50)", "n/a", "tbd."], COMMA),
        (["6.95", "7.10", "1.234,50"], POINT),
        (["1,234"], None),
        (["1.234", "5.678"], None),
        (["6.95", "6,95"], None),
    ],
)
def test_number_style_is_what_only_one_reading_explains(cells, style):
    assert number_style(*cells) == style


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2024-01-02"], ["%Y-%m-%d"]),
        (["2024/1/2 8:26"], ["%Y/%m/%d"]),
        (["20240102"], ["%Y%m%d"]),
        (["2024年1月2日"], ["%Y年%m月%d日"]),
        (["25/12/2024", "01/02/2024"], ["%d/%m/%Y"]),
        (["12/25/2024 8:26", "01/02/2024 8:27"], ["%m/%d/%Y"]),
        (["25.12.24"], ["%d.%m.%y"]),
        (["12-Dec-2010"], ["%d-%b-%Y"]),
        (["12 December 2010"], ["%d %B %Y"]),
        (["Dec 12, 2010"], ["%b %d, %Y"]),
        (["05/05/2024"], ["%d/%m/%Y"]),
        (["31/02/2011"], ["%d/%m/%Y"]),
        (["2024-01-02", "03/04/2024"], ["%Y-%m-%d"]),
        (["13/01/2024", "14/01/2024", "01/31/2024"], ["%d/%m/%Y"]),
        (["gibberish", ""], []),
        (["01/02/2024"], None),
        (["13/01/2024", "01/13/2024"], None),
    ],
)
def test_date_format_is_what_only_one_reading_explains(cells, formats):
    assert date_formats(*cells) == formats


@pytest.mark.parametrize(
    ("formats", "cell", "day"),
    [
        (["%Y-%m-%d"], "2024-1-2", date(2024, 1, 2)),
        (["%Y-%m-%d"], "2024-01-02 07:45:00", date(2024, 1, 2)),
        (["%Y-%m-%d"], "2024-01-02T07:45:00Z", date(2024, 1, 2)),
        (["%d/%m/%Y"], "3/4/2024 7:45 PM", date(2024, 4, 3)),
        (["%Y-%m-%d %H:%M"], "2024-01-02 07:45", date(2024, 1, 2)),
        (["%Y-%m-%d", "%d.%m.%Y"], "03.04.2024", date(2024, 4, 3)),
        (["%d.%m.%y"], "03.04.69", date(1969, 4, 3)),
        (["%Y-%m-%d"], "2024-02-30", None),
        (["%Y-%m-%d"], "2024-01-02x", None),
        (["%Y-%m-%d"], "2024-W01-1", None),
        ([], "2024-01-02", None),
    ],
)
def test_date_parser_reads_the_day_and_drops_the_time(formats, cell, day):
    assert date_parser(formats)(cell) == day


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12),
    st.sampled_from([POINT, COMMA]),
)
def test_number_written_with_groups_is_read_back(number, style):
    text = f"{number:,.4f}".replace(",", "\0").replace(".", style.decimal).replace("\0", style.thousands)

    read = plain_number(text, style)

    assert normal_number(read) == normal_number(f"{number:.4f}")


@pytest.mark.parametrize(
    "text", ["1,23", "1,2345", "12,34,567", ",123", "1,,234", "1,234,56", "1.2.3", "1e5", "١٢x", "5 000 00"]
)
def test_groups_that_are_no_groups_are_no_number(text):
    assert plain_number(text, POINT) is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("6.950", "6.95"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("007", "7"),
        ("0.10", "0.1"),
        ("100", "100"),
        ("-1.0", "-1"),
        (".5", "0.5"),
    ],
)
def test_normal_number_has_no_idle_zeros(text, normal):
    assert normal_number(text) == normal


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2,5;3\n", ";"),
        ("a\tb\n1,2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"x, y";b;c\n1,2;3,5;4\n', ";"),
        ("single\n1\n2\n", ","),
        ("", ","),
    ],
)
def test_delimiter_divides_most_lines_like_the_first(sample, delimiter):
    assert sniff_delimiter(sample) == delimiter
