#!/usr/bin/env python
"""Facet's commands. Where no URL names another, each finds its database started and up to date, and leaves it tidy."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    try:
        from django.core.management import execute_from_command_line

        from crm.engines.commands import engines_for
        from crm.engines.errors import EngineError
        from crm.trail.signature import sign_command
    except ImportError as error:
        sys.exit(f"{error}. Is the virtual environment there and active? 'make setup' makes it.")
    sign_command(" ".join(sys.argv[1:2]))
    try:
        with engines_for(sys.argv):
            execute_from_command_line(sys.argv)
    except EngineError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
