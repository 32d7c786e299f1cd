"""PostgreSQL refuses to run as root: as root it runs as ``nobody``, who must be let through to its files."""

import os
import pwd
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from crm.engines.child import RunAs
from crm.engines.errors import EngineError

OTHERS_ENTER = stat.S_IXOTH
OTHERS_READ = stat.S_IROTH


def postgres_account() -> RunAs | None:
    """The account PostgreSQL runs under; None: our own."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EngineError(
            "PostgreSQL does not run as root and there is no user 'nobody': start as another user."
        ) from None
    return RunAs(uid=entry.pw_uid, gid=entry.pw_gid)


def let_through(folders: Iterable[Path]) -> None:
    """Give others the right to pass (not to list) each closed parent of ``folders``; say which were opened."""
    closed = {
        parent for folder in folders for parent in (folder, *folder.parents) if not parent.stat().st_mode & OTHERS_ENTER
    }
    for folder in closed:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | OTHERS_ENTER)
    if closed:
        opened = ", ".join(str(folder) for folder in sorted(closed))
        print(f"As root PostgreSQL runs as 'nobody', let through now (o+x): {opened}", file=sys.stderr)


def let_read(tree: Path) -> None:
    """Make an installed package readable for others where a strict umask kept it closed (one look when it is not)."""
    if tree.stat().st_mode & OTHERS_READ and all(entry.stat().st_mode & OTHERS_READ for entry in tree.iterdir()):
        return
    for entry in (tree, *tree.rglob("*")):
        if not entry.is_symlink():
            mode = stat.S_IMODE(entry.stat().st_mode)
            entry.chmod(mode | OTHERS_READ | (OTHERS_ENTER if mode & stat.S_IXUSR else 0))
