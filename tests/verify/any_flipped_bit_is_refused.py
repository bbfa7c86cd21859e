"""Ships the example, with a scheme's mark, and hands the folder to any_flipped_bit_is_refused.c."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ship"))
from shop import Shop  # noqa: E402

with Shop(*sys.argv[1:3]) as shop:
    shop.join_scheme("Trust Mark", "G-123")
    shop.ship()
    sys.exit(subprocess.run([os.path.abspath(sys.argv[3]), shop.folder, "maker.pub", "build/thermostat.elf",
                             *sys.argv[4:]], cwd=shop.root, check=False).returncode)
