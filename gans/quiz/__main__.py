"""`python -m gans.quiz`."""

from gans.cli.command import main_command
from gans.quiz import command

if __name__ == "__main__":
    main_command(command.run)
