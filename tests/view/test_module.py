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
    assert names | module.MADE.keys() == {*module.SCRIPTS, *module.STYLES}


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


def test_words_stand_out_from_whatever_they_stand_on() -> None:
    colours = {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\);", module.style())
    }
    grounds = ("ground", "panel")
    pairs = [(word, ground) for word in ("quiet", "accent", "good", "warn", "bad") for ground in grounds]
    lit = ("up-flash", "down-flash", "any-flash", "shade", "money", *grounds)
    pairs += [("text", ground) for ground in lit]
    pairs += [("ground", "warn"), *((word, lit) for word in ("good", "bad") for lit in ("shade", "money"))]
    low = [
        (word, ground, theme, round(contrast(colours[word][theme], colours[ground][theme]), 2))
        for word, ground in pairs
        for theme in (0, 1)
        if contrast(colours[word][theme], colours[ground][theme]) < 4.5
    ]
    assert low == []


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2 defines it; 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
