"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with the first choice of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.

    Django's own 100 MiB a hash would let eight people who log in at once fill a small machine.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
