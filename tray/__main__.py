"""``python -m tray``."""

import argparse
import sys

from tray.main import SUMMARY, add_arguments, run
from twistedcam.cli.main import run_command

parser = argparse.ArgumentParser("tray", description=f"tray: {SUMMARY}.")
add_arguments(parser)
sys.exit(run_command(run, parser.parse_args()))
