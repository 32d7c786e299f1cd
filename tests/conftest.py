"""Property tests draw the same cases each time, so that a commit passes or fails for good.

``HYPOTHESIS_PROFILE=random make test`` draws new ones, to find what the usual cases do not.
"""

import os

from hypothesis import settings

# No deadline: how long one case takes says more about the machine than about the code.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
