"""`python -m gans.lab`."""

from gans.cli.command import main_command
from gans.lab import main
from gans.tracking.log import set_up_log

if __name__ == "__main__":
    set_up_log()
    main_command(main)
