"""Runs command lines in processes that need not import everything anew.

Read from standard input, a line of JSON for each: the folder, the arguments, the environment, and
perhaps a script to run in the program's stead, and whether it is interrupted. Each is carried out
in a fork of this process, by the script or by the program's entry point.
"""

import gc
import json
import os
import runpy
import signal
import sys
import threading
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.orm import configure_mappers

import signalcli
from signalcli.apps import Apps, apps
from signalcli.cli.main import main

# What others load late.
READY_MADE = (
    "argon2",
    "email_validator",
    "rich._emoji_codes",
    "rich.live",
    "rich.progress",
    "typer.completion",
    "typer.rich_utils",
)
# These commands are carried out once. What SQLAlchemy, Typer and Rich prepare for them, and keep,
# takes about a third of a command's time.
CARRIED_OUT = (
    ("register", "xyz", "--email", "xyz@mail.com"),
    ("update", "xyz", "--email", "zyx@mail.com", "--json"),
    ("notify", "xyz"),
    ("show", "xyz"),
    ("list",),
    ("log",),
    ("log", "show"),
    ("receivers",),
    ("signals",),
)
# The signals that a command handles.
HANDLED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# What takes longer hangs.
PATIENCE_SECONDS = 600
# How long a command that goes on for ever is left to it, once it heeds Ctrl-C.
ENDLESS_SECONDS = 0.1


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
    if request.get("interrupts"):
        threading.Thread(target=interrupt, daemon=True).start()
    sys.argv = [request["script"] or "signalcli", *request["arguments"]]
    try:
        return exit_code(request["script"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def exit_code(script: str | None = None) -> int:
    """Run the program, or a script in its stead."""
    try:
        if script:
            runpy.run_path(script, run_name="__main__")
        else:
            main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def interrupt() -> None:
    """Do what Ctrl-C does, when the command has had a while."""
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(ENDLESS_SECONDS)
    time.sleep(ENDLESS_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


def make_ready() -> None:
    """Do once what each program does as it begins, as far as nothing hangs on what it is to do."""
    ours = (module.name for module in walk_packages(signalcli.__path__, "signalcli."))
    for name in (*READY_MADE, *ours):
        # One is the program itself, and the others are of pytest.
        if not name.startswith(("signalcli.__main__", "signalcli.testing")):
            import_module(name)
    configure_mappers()
    carry_out_once()
    # Nothing of it is looked at again.
    gc.collect()
    gc.freeze()


def carry_out_once() -> None:
    """Carry commands out in this process, and leave it as it was."""
    handlers = {number: signal.getsignal(number) for number in HANDLED}
    with TemporaryDirectory() as folder, chdir(folder), Path("nothing").open("w") as nothing:
        # Each command is given an environment of its own later.
        os.environ.clear()
        os.environ.update({"HOME": folder, "XDG_CACHE_HOME": folder, "XDG_STATE_HOME": folder})
        for command in CARRIED_OUT:
            sys.argv = ["signalcli", *command]
            with redirect_stdout(nothing), redirect_stderr(nothing):
                code = exit_code()
            assert code == 0, command
    for number, handler in handlers.items():
        signal.signal(number, handler)
    gc.enable()
    vars(apps).update(vars(Apps()))


def serve() -> None:
    make_ready()
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
