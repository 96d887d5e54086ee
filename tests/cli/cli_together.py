"""Carries out command lines one after the other, in one process, once it is told to begin.

Its arguments are how many, and a template of them: ``{}`` stands for the number of each. Standard
input says when to begin. Ends with how many failed.
"""

import sys

import typer

from signalcli.cli.app import app

# Made once, since making it takes longer than most commands.
command = typer.main.get_command(app)


def fails(arguments: list[str]) -> bool:
    try:
        return bool(command(arguments, prog_name="signalcli", standalone_mode=False))
    except Exception as error:
        print(error, file=sys.stderr)
        return True


def begin(count: int, template: list[str]) -> int:
    print("ready", flush=True)
    sys.stdin.readline()
    return sum(fails([argument.format(number) for argument in template]) for number in range(count))


if __name__ == "__main__":
    sys.exit(begin(int(sys.argv[1]), sys.argv[2:]))
