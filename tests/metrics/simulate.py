"""Customers drawn from a known BG/NBD, in weeks with whole days."""

import numpy as np


def simulated_customers(n, *, seed, r=0.8, alpha=6.0, a=0.9, b=3.0, weeks=(26, 105), per_week=7):
    """(x, t_x, T), each shape (n,): purchase days are whole parts of a week, so equal customers occur."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    age = rng.integers(weeks[0] * per_week, weeks[1] * per_week, n) / per_week
    x, tx, now, is_alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while is_alive.any():
        now = now + rng.exponential(1, n) / rate
        bought = is_alive & (now < age)
        x[bought] += 1
        tx[bought] = np.minimum(np.ceil(now[bought] * per_week) / per_week, age[bought])
        is_alive = bought & (rng.random(n) > leaves)
    return x, tx, age


def simulated_spend(x, *, seed, p=6.25, q=3.74, gamma=15.44):
    """m̄, shape (n,), of customers with x repeat purchases from a known gamma-gamma; 0 where x = 0."""
    rng = np.random.default_rng(seed)
    purchases = np.maximum(x, 1)
    rate = rng.gamma(q, 1 / gamma, len(x))
    return np.where(x > 0, rng.gamma(p * purchases) / (rate * purchases), 0.0)
