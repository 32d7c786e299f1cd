from datetime import date

import pytest
from django.utils.translation import override

from crm.lib.days import day_text


@pytest.mark.parametrize(
    ("language", "text"), [("en", "10 Jan 2025"), ("zh-hans", "2025年1月10日"), ("zh-hant", "2025年1月10日")]
)
def test_day_reads_as_on_pages_in_each_language(language, text):
    with override(language):
        assert day_text(date(2025, 1, 10)) == text
