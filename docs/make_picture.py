"""Draw ``docs/trace.svg`` from a real registration: ``python docs/make_picture.py``."""

import re
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console

from signalcli.apps import apps
from signalcli.core import accounts
from signalcli.db.opening import open_engine, open_session
from signalcli.render.table import TraceTable
from signalcli.trace import Recorder, record

PICTURE = Path(__file__).with_name("trace.svg")
COMMAND = "signalcli register xyz --email xyz@mail.com"
FONT_FROM_THE_NET = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def draw(picture: Path) -> None:
    """Register a user in a database of its own, and export the table."""
    apps.populate()
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(str(Path(folder, "demo.db")), writes=True, creates=True)
        with record(recorder), open_session(engine) as session:
            accounts.register(session, "xyz", "xyz@mail.com")
            session.commit()
        engine.dispose()
    console = Console(record=True, width=88, file=StringIO(), force_terminal=True)
    console.print(TraceTable(recorder.trace))
    console.print("Registered xyz in demo.db. Sent", highlight=False)
    svg = console.export_svg(title=COMMAND, unique_id="trace")
    picture.write_text(FONT_FROM_THE_NET.sub("", svg), encoding="utf-8")


if __name__ == "__main__":
    draw(PICTURE)
