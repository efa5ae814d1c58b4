import subprocess
import sys
from pathlib import Path

import harness.stats


def test_no_module_imports_numpy_or_scipy_before_it_needs_them() -> None:
    folder = Path(harness.stats.__path__[0])
    names = sorted(path.stem for path in folder.glob("*.py"))
    assert "decision" in names
    imports = "\n".join(f"import harness.stats.{name}" for name in names if name != "__init__")
    program = f"{imports}\nimport sys\nprint([name for name in ('numpy', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
