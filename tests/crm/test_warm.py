"""A web worker loads what pages need and takes seconds, beside answering; nothing else does at its start."""

import subprocess
import sys

import crm.warm

CODE = """
import sys
import django
django.setup()
from crm import gunicorn
gunicorn.on_starting(None)
before = [name for name in crm_modules() if name in sys.modules]
gunicorn.post_worker_init(None)
import threading
for thread in threading.enumerate():
    if thread.name == "warm":
        assert thread.daemon
        thread.join(120)
print(before, [name for name in crm_modules() if name not in sys.modules])
"""


def test_worker_loads_them_after_the_fork_and_the_master_does_not():
    code = "def crm_modules():\n    from crm.warm import SLOW_MODULES\n    return SLOW_MODULES\n" + CODE
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[] []"


def test_module_that_fails_is_logged_and_left_to_its_page(monkeypatch):
    told = []
    monkeypatch.setattr(crm.warm, "SLOW_MODULES", ("json", "no_such_module", "sys"))
    monkeypatch.setattr(crm.warm.log, "exception", lambda event, **fields: told.append((event, fields)))

    crm.warm.load()

    assert told == [("module_not_warmed", {"module": "no_such_module"})]
