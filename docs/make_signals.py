"""Write the page of all signals, ``docs/signals.md``: ``python docs/make_signals.py``.

What it says of the built-in signals is what ``signalcli explain`` says, from the same source. The
demo app's signals are described by their own file.
"""

from collections.abc import Iterator
from pathlib import Path

from signalcli.apps.reference import ALWAYS, REFERENCES, Reference
from signalcli.apps.sources import comment_above
from signalcli.core import signals as demo
from signalcli.dispatch import Signal

PAGE = Path(__file__).with_name("signals.md")
HEAD = """\
# Signals

<!-- Written by docs/make_signals.py from signalcli/apps/reference.py. -->

These signals are sent without your doing anything for it. [The tutorial](tutorial.md) shows how to
define one of your own. `signalcli explain post_save` says the same in the terminal, with the
receivers that are connected at present. `signalcli signals` lists the signals of the installed
apps, yours included, and `signalcli signals --unused` those that nobody listens to. Where a
receiver does not run, [`signalcli why`](why.md) tells the reason.
"""
DEMO = """\
## The demo app

Import them from `signalcli.core.signals`. `register` and `notify` send `notification`;
`login` and `logout` send the others.
"""


def page() -> str:
    """The whole page."""
    families = dict.fromkeys(each.family for each in REFERENCES)
    parts = [HEAD, _families(list(families)), _always()]
    for family in families:
        parts.append(f"## Signals of {family}\n")
        parts += [_section(each) for each in REFERENCES if each.family == family]
    return "\n".join([*parts, DEMO, *_of_the_demo()])


def _families(families: list[str]) -> str:
    lines = ["| family | signals | import from |", "|---|---|---|"]
    for family in families:
        known = [each for each in REFERENCES if each.family == family]
        links = ", ".join(f"[`{each.name}`](#{each.name})" for each in known)
        lines.append(f"| {family} | {links} | `{known[0].place}` |")
    return "\n".join([*lines, ""])


def _always() -> str:
    return "\n".join(
        [
            "Every receiver gets these, and what the signal provides besides:",
            "",
            *_table(ALWAYS),
            "",
        ]
    )


def _section(reference: Reference) -> str:
    lines = [f"### {reference.name}", "", reference.when]
    lines += [f"Sent by {reference.by}. Sender: {reference.sender}.", ""]
    if reference.arguments:
        lines += [*_table(reference.arguments), ""]
    lines += ["```py", reference.example, "```", ""]
    for note in reference.notes:
        lines += [note, ""]
    return "\n".join([*lines, f"More: [{reference.page}]({reference.page}.md).", ""])


def _table(arguments: dict[str, str]) -> list[str]:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in arguments.items()]
    return ["| argument | means |", "|---|---|", *rows]


def _of_the_demo() -> Iterator[str]:
    yield "| signal | arguments | |"
    yield "|---|---|---|"
    for name, signal in vars(demo).items():
        if isinstance(signal, Signal) and signal.module == demo.__name__:
            arguments = ", ".join(f"`{each}`" for each in signal.providing_args or ())
            yield f"| `{name}` | {arguments} | {comment_above(*signal.place)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
