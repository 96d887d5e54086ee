"""The command ``help``: what holds for every command, by topics, and the help of any command."""

from typing import Annotated, Any

import typer

from signalcli.cli.help import Definition, definition_of, page
from signalcli.cli.invocation import PROGRAM, Settings
from signalcli.cli.late import late
from signalcli.cli.problems import ERROR_CODES, EXIT_CODES, TRACEBACK_VARIABLE, write_document
from signalcli.errors import NotFound, UsageError

with late():
    from signalcli.cli import app, guidance, options

TOPICS = {
    "options": "Options that every command takes, before or after its name.",
    "exit-codes": "Exit codes, the same for every command.",
    "settings": "Variables and files that set what options set.",
}

MORE = {
    "settings": [
        "The command line counts before a variable, a variable before the file, and the file "
        "before the default. The file is the nearest one that sets anything, in the working "
        "directory or one above it. Its paths are relative to it. `signalcli config` shows every "
        "value, and where it comes from.",
    ],
    "exit-codes": [
        "A command that is ended early, by Ctrl-C, SIGTERM or SIGHUP, rolls its transaction back: "
        "nothing is half-written, and only what it had committed stays, as --from and batch commit "
        "piece by piece. Its receivers run no further, the signal log keeps the run up to there, "
        "and the error says what was written. A process that was started to ignore SIGHUP, as by "
        "nohup, goes on. What SIGKILL ends leaves no run in the log, and nothing half-written.",
    ],
}


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """The topics and commands that begin like that, each with what it is about."""
    known = {**TOPICS, **app.summaries()}
    return [(name, text) for name, text in known.items() if name.startswith(incomplete)]


def show_help(
    settings: Settings,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]",
            help="A command, or one of: options, exit-codes, settings.",
            autocompletion=complete_topic,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the help of a command, or of what all commands share.

    Example: signalcli help exit-codes
    """
    wanted = words or []
    topic = " ".join(wanted)
    if topic in TOPICS:
        sections = sections_of(topic)
        if settings.json:
            rows = [definition._asdict() for each in sections.values() for definition in each]
            write_document("help", result=rows)
        else:
            text = page(f"{PROGRAM} help {topic}", TOPICS[topic], MORE.get(topic, ()), sections)
            typer.echo(text.rstrip())
        return
    if settings.json:
        raise UsageError("the help of a command is for people; leave --json out")
    try:
        app.program()([*wanted, "--help"], prog_name=PROGRAM, standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise NotFound(
            f"there is no command and no topic {topic!r}; {_meant(wanted, error)}"
            f"the topics are {', '.join(TOPICS)}"
        ) from error


def _meant(words: list[str], error: Any) -> str:
    """The question about what was meant, for the error that Typer raised at one of the words."""
    context = getattr(error, "ctx", None)
    if context is None or not hasattr(context.command, "list_commands"):
        return ""
    group = context.command_path.removeprefix(PROGRAM).strip()
    known = [*context.command.list_commands(context), *(() if group else TOPICS)]
    question = guidance.of_topic(words[len(group.split())], group, known)
    return f"{question} " if question else ""


def sections_of(topic: str) -> dict[str, list[Definition]]:
    """The lists of a topic, by their headings."""
    return {"options": _options, "exit-codes": _codes, "settings": _settings}[topic]()


def _options() -> dict[str, list[Definition]]:
    """The options that every command takes, by their sections."""
    program = app.program()
    sections: dict[str, list[Definition]] = {}
    for parameter in program.params:
        if parameter.name.endswith("_completion"):
            sections.setdefault("Completion, without a command", []).append(
                definition_of(parameter)
            )
        elif not parameter.hidden:
            names, text = definition_of(parameter)
            variable = getattr(parameter, "envvar", None)
            said = f" Variable: {variable}." if variable and str(variable) not in text else ""
            sections.setdefault(parameter.rich_help_panel or "", []).append(
                Definition(names, text + said)
            )
    return {**sections, "The help": [Definition("-h, --help", "Show the help; -h the short one.")]}


def _codes() -> dict[str, list[Definition]]:
    """Every exit code, and the words for errors in JSON documents."""
    words = sorted((word, each.exit_code) for word, each in ERROR_CODES.items())
    return {
        "": [Definition(str(code), meaning) for code, meaning in EXIT_CODES.items()],
        "Words for errors in JSON": [Definition(word, f"exit code {code}") for word, code in words],
    }


def _settings() -> dict[str, list[Definition]]:
    """The variables, and the keys of the settings file."""
    return {
        "Variables": [
            *(Definition(each.variable, each.help) for each in options.SETTINGS.values()),
            Definition("SIGNALCLI_INSTALLED_APPS", "The installed apps, separated by commas."),
            Definition(TRACEBACK_VARIABLE, "Show the traceback of what goes wrong."),
            Definition("NO_COLOR, FORCE_COLOR", "No colours; colours also on a pipe."),
            Definition("COLUMNS", "How many columns a pipe has; by default nothing is wrapped."),
        ],
        "Keys of signalcli.toml, or of [tool.signalcli] in pyproject.toml": [
            Definition("installed-apps", "The installed apps, as a list of names."),
            *(Definition(each.key, each.help) for each in options.SETTINGS.values()),
        ],
    }
