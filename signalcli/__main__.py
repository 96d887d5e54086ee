"""``python -m signalcli``."""

from signalcli.cli.main import main

if __name__ == "__main__":
    main()
