import subprocess
import sys
from pathlib import Path

import harness.stats


def _imported(program: str) -> str:
    """Run a program in a fresh interpreter, and return which of the slow packages it has imported."""
    program += "\nimport sys\nprint([name for name in ('numpy', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_no_module_imports_numpy_or_scipy_before_it_needs_them() -> None:
    folder = Path(harness.stats.__path__[0])
    names = sorted(path.stem for path in folder.glob("*.py"))
    assert "decision" in names
    assert _imported("\n".join(f"import harness.stats.{name}" for name in names if name != "__init__")) == "[]"


def test_the_bounds_and_the_chances_of_passes_and_fails_need_no_scipy() -> None:
    numbers = "from harness.stats import exact, posterior\nexact.lower_bound(3, 5, alpha=.05)\n"
    assert _imported(f"{numbers}posterior.reaches([1, 0, 1], .8)") == "[]"
    assert _imported(f"{numbers}posterior.beta_reaches([1, 2], [1, 2], 3, .8)") == "['numpy']"
