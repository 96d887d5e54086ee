"""The run's table as a page of its own."""

from html import escape

from signalcli.log.runs import Run
from signalcli.render.exports.svg import recorded, title_of
from signalcli.render.text import fit_for_markup
from signalcli.trace.records import Trace

# Rich fills in the single braces and halves the doubled ones.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%(title)s</title>
<style>
body {{ margin: 1.5rem; color: {foreground}; background: {background}; }}
h1, pre {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
h1 {{ font-size: 1rem; overflow-wrap: anywhere; }}
pre {{ font-size: 0.875rem; line-height: 1.25; overflow-x: auto; }}
{stylesheet}
</style>
</head>
<body>
<h1>%(title)s</h1>
<pre>{code}</pre>
</body>
</html>
"""


def export(run: Run, trace: Trace) -> str:
    """The page, with the command line as its title. It loads nothing from the net."""
    title = escape(title_of(run, len(run.command_line) + 1))
    page = _PAGE % {"title": title.replace("{", "{{").replace("}", "}}")}
    return fit_for_markup(recorded(run, trace).export_html(code_format=page))
