"""What hypothesis draws for the figures: signed money with four decimals, and accounts with two windows of it."""

from datetime import date, timedelta

from hypothesis import strategies as st

BASE_END = date(2011, 1, 1)
money = st.integers(-5_000_000_000, 5_000_000_000).map(lambda units: units / 10_000)
some_money = st.one_of(money, st.sampled_from([0.0, 1000.0, -1000.0, 0.0001, -0.0001, 33.3333]))
first_dates = st.one_of(st.none(), st.integers(-800, 800).map(lambda days: BASE_END + timedelta(days=days)))
accounts = st.lists(st.tuples(some_money, some_money, first_dates), max_size=30)
