"""What a machine refuses is one line, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualbroker import cli
from tests.cli.running import run_here


def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "dualbroker: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("option", ["--brokers=100000", "--brokers=0", "--seed=-1", "--strikes=0"])
def test_a_simulator_out_of_bounds_is_refused(tmp_path: Path, option: str) -> None:
    ended = run_here("simulate", option, home=tmp_path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert option.partition("=")[0] in ended.stderr
