"""Kills a saving process at 500 random moments and reads the file after each.

python tests/kill_saves.py > tests/logs/kill_saves.log
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from killing import kill_while_saving

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 500

with tempfile.TemporaryDirectory() as folder:
    counts = kill_while_saving(Path(folder), KILLS)
    print(f"killed by SIGKILL while saving: {KILLS} times")
    print(f"files that could be read: {counts['old'] + counts['new']}")
    print(f"  with the model of the last look: {counts['old']}, with another: {counts['new']}")
    print(f"kills in the middle of writing (a temporary file was left): {counts['left over']}")
