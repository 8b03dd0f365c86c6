"""`python -m gans.quiz`."""

from gans.cli.command import main_command
from gans.quiz.command import main
from gans.tracking.log import set_up_log

if __name__ == "__main__":
    set_up_log()
    main_command(main)
