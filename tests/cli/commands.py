"""The names of all commands, those of groups with the name of their group."""

from signalcli.cli.app import Entry, program


def _names(group: type, before: str = "") -> list[str]:
    found = []
    for panel in group.panels:  # type: ignore[attr-defined]  # of our groups
        for name, entry in panel.entries.items():
            found.append(f"{before}{name}")
            if isinstance(entry, Entry) and entry.group is not None:
                found += _names(entry.group, f"{name} ")
    return found


COMMANDS = _names(type(program()))
