"""The one ES module and its style sheet."""

from __future__ import annotations

import re
from importlib.resources import files

from dualbroker.view import module
from dualbroker.view.parts import PARTS


def test_the_module_is_one_text_that_asks_for_no_other() -> None:
    text = module.source()
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default { render };"]
    assert text.count("export default") == 1, "carriers put their own in its place"


def test_every_file_is_part_of_it() -> None:
    names = {entry.name for entry in files("dualbroker.view").joinpath("static").iterdir()}
    assert names == {*module.SCRIPTS, *module.STYLES}


def test_no_two_files_declare_the_same_name() -> None:
    declared = re.findall(r"^(?:async )?(?:function|const|let|class) ([\w$]+)", module.source(), re.MULTILINE)
    assert len(declared) == len(set(declared))


def test_every_part_of_the_state_can_be_drawn() -> None:
    drawn = re.search(r"^const PARTS = \{(.*?)^\};", module.source(), re.MULTILINE | re.DOTALL)
    assert drawn is not None
    assert set(re.findall(r"^  (\w+):", drawn[1], re.MULTILINE)) == {"monitor", *PARTS}


def test_every_rule_of_the_style_stays_inside() -> None:
    text = re.sub(r"/\*.*?\*/", "", module.style(), flags=re.DOTALL)
    text = re.sub(r"@keyframes dualbroker-[\w-]+ \{[^{}]*\{[^{}]*\}\s*\}", "", text)
    selectors = re.findall(r"([^{};@]+)\{", re.sub(r"@[^{]*\{", "", text))
    for selector in (part.strip() for group in selectors for part in group.split(",")):
        assert ".dualbroker" in selector, selector
