"""docs/own-tasks.md, followed to the letter: from a CSV to an answer, on a scripted LM Studio."""

import os
import re
import shlex
from pathlib import Path

import pytest

from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .written import load

PAGE = (Path(__file__).resolve().parents[2] / "docs/own-tasks.md").read_text(encoding="utf-8")
FILES = re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^lms-harness .*$", PAGE, re.MULTILINE)
FORMS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
ROWS = """total,text,facts,customer,name,city
3,"Ada met Bo on 12 March.","[""12 March""]",Ada,Ada,Rome
4,"Bo met Cy on 13 March.","[""13 March""]",Bo,Bo,Oslo
5,"Cy met Di on 14 March.","[""14 March""]",Cy,Cy,Bern
6,"Di met Ed on 15 March.","[""15 March""]",Di,Di,Kiev
"""


def test_the_page_leads_from_a_csv_to_an_answer(tmp_path: Path) -> None:
    for name, text in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with ScriptedServer() as server:
        server.reply_with(lambda _: "billing")
        environ = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(tmp_path / "state")}
        said = [
            forkserver.run("harness.cli", *shlex.split(command)[1:], cwd=tmp_path, env=environ).stdout
            for command in COMMANDS
        ]
        home = forkserver.run("harness.cli", "tasks", "--check", "home", cwd=tmp_path, env=environ).stdout
    assert len(said) == 3
    assert "ceiling     1.00" in home
    assert "chance      0.50" in home
    assert "chance      0.33" in said[0]
    assert re.search(r"tickets: (open|your primary|hand it to|keep)", said[2]), said[2]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_page_can_be_used(tmp_path: Path, form: str) -> None:
    usual = {"data": "'rows.csv'", "prompt": "'{text}'", "target": "'total'", "scorer": "'number'"}
    written = set(re.findall(r"^(\w+) =", form, re.MULTILINE))
    rest = "\n".join(f"{name} = {value}" for name, value in usual.items() if name not in written)
    own = load(tmp_path, f"{rest}\n{form}", rows=ROWS)
    assert own.task.samples(seed=0, limit=3)
