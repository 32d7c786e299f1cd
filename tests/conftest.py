"""Property tests draw the same cases each time, so that a commit passes or fails for good.

``HYPOTHESIS_PROFILE=random make test`` draws new ones, to find what the usual cases do not.
"""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
