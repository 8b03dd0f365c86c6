"""`python -m gans.lab`."""

from gans.cli.command import main_command
from gans.lab import command

if __name__ == "__main__":
    main_command(command.run)
