"""Runs command lines in processes that need not import everything anew.

Read from standard input, a line of JSON for each: the folder, the arguments, the environment, and
perhaps a script to run in the program's stead. Each is carried out in a fork of this process, by
the script or by the program's entry point.
"""

import json
import os
import runpy
import signal
import sys
from importlib import import_module
from typing import Any

from signalcli.cli.main import main

READY_MADE = (
    "argon2",
    "email_validator",
    "signalcli.apps.models",
    "signalcli.apps.objects.working",
    "signalcli.cli.app",
    "signalcli.core.authorization",
    "signalcli.db.opening",
    "signalcli.render.console",
    "signalcli.render.document",
    "signalcli.render.listing",
    "signalcli.render.live",
    "signalcli.render.log",
    "signalcli.render.objects",
    "signalcli.trace",
    "signalcli.trace.log.finding",
    "signalcli.trace.log.keeping",
    "signalcli.trace.log.opening",
    "signalcli.trace.log.reading",
    "typer.completion",
    "typer.rich_utils",
)


# What takes longer hangs.
PATIENCE_SECONDS = 200


def carry_out(request: dict[str, Any]) -> int:
    signal.alarm(PATIENCE_SECONDS)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.dup2(os.open(request["stdin"], os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    sys.argv = [request["script"] or "signalcli", *request["arguments"]]
    try:
        if request["script"]:
            runpy.run_path(request["script"], run_name="__main__")
        else:
            main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve() -> None:
    for module in READY_MADE:
        import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = carry_out(json.loads(line))
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
