"""The cases of scripts/doctor_suite, for a sample of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
