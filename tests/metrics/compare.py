"""Figures against wanted ones, where an undefined figure is NaN."""

import numpy as np


def assert_same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, equal_nan=True)
