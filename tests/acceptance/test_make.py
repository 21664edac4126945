"""The commands of the README, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from support.checkout import ROOT, Checkout
from support.documented import blocks, not_printed


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    copy = Checkout(tmp_path / "checkout")
    yield copy
    copy.make("down")


def test_make_up_twice_and_down(checkout: Checkout) -> None:
    first = checkout.make("up")
    assert "2 created" in first or "3 created" in first
    assert "Loyalty programme" in first
    url = checkout.emulator
    requests.delete(f"{url}/requests", timeout=10)
    second = checkout.make("up")
    assert "3 unchanged" in second
    address = url.removesuffix("/_emulator")
    assert f"Emulator of AEP: {address}, status page {url}/\n" in first
    assert f"Emulator of AEP: {address}, status page {url}/\n" in second
    assert requests.get(f"{url}/", timeout=10).headers["content-type"].startswith("text/html")
    log = requests.get(f"{url}/requests", timeout=10).json()["requests"]
    assert [entry for entry in log if entry["write"] and entry["service"] != "ims"] == []
    assert "unchanged" in checkout.make("preview")
    assert "unchanged" in checkout.make("refresh")
    down = checkout.make("down")
    assert "2 deleted" in down or "3 deleted" in down
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/health", timeout=5)


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(checkout: Checkout) -> None:
    nobody = "http://127.0.0.1:1"
    assert "3 created" in checkout.make("up", https_proxy=nobody, http_proxy=nobody, all_proxy=nobody)


def test_a_taken_port_does_not_stop_make_up(checkout: Checkout) -> None:
    checkout.make("up")
    port = int(checkout.emulator.split(":")[2].split("/")[0])
    subprocess.run(
        [ROOT / ".venv/bin/python", "tools/stack.py", "stop-emulator"], cwd=checkout.folder, check=True
    )
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        # The emulator's state is the same on another port, and any loopback address is the same place.
        assert "3 unchanged" in checkout.make("up")


def test_only_the_stack_local_is_created_by_make(checkout: Checkout) -> None:
    state = checkout.folder / "own-state"
    state.mkdir()
    own = {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "own"}
    before = sorted(checkout.folder.glob("stacks/*"))
    for target in ("up", "preview", "refresh", "down"):
        said = checkout.make(target, "STACK=dv", expect=2, **own)
        assert "Stack 'dv' does not exist. Stacks of this project: none; and `local`" in said
        assert "To create it: pulumi stack init dv\n" in said
    said = checkout.make("up", "STACK=dev", expect=2, **own)
    assert "To create it: pulumi stack init dev (its settings are in stacks/Pulumi.dev.yaml)" in said
    assert sorted(checkout.folder.glob("stacks/*")) == before
    assert not list(state.rglob("*.json"))


def test_the_stacks_that_exist_are_named(checkout: Checkout) -> None:
    checkout.shell(
        'eval "$(make -s env)"; export PULUMI_BACKEND_URL=file://$PWD/own PULUMI_STACK=; mkdir own;'
        "pulumi stack init prod; pulumi stack init dev; pulumi stack ls"
    )
    own = {"PULUMI_BACKEND_URL": f"file://{checkout.folder}/own", "PULUMI_CONFIG_PASSPHRASE": "local"}
    assert "Stacks of this project: dev, prod; and" in checkout.make("up", "STACK=dv", expect=2, **own)
    assert "3 created" not in checkout.make("up", "STACK=dev", expect=2, **own)


def test_without_a_place_for_state_make_says_what_to_choose(checkout: Checkout, tmp_path: Path) -> None:
    said = checkout.make("up", "STACK=dev", expect=2, PULUMI_HOME=str(tmp_path / "home"))
    assert "`pulumi login`, or PULUMI_BACKEND_URL" in said


def test_make_env_lets_pulumi_and_the_command_work_in_the_checkout(checkout: Checkout) -> None:
    checkout.make("up")
    said = checkout.shell(
        'eval "$(make -s env)"; pulumi preview --expect-no-changes; aep-provider status;aep-provider discover'
    )
    assert "3 unchanged" in said
    assert "2 datasets, 0 not as declared" in said
    assert "Datasets of sandbox dev" in said


def test_pulumi_path_is_printed_alone_though_it_installs_first(tmp_path: Path) -> None:
    copy = Checkout(tmp_path / "checkout")
    python, mark = copy.folder / ".venv/bin/python", copy.folder / ".venv/.ready"
    (copy.folder / ".venv/bin").unlink()
    python.parent.mkdir()
    # Installing is left out, and everything else is done by the interpreter of these tests.
    python.write_text(f'#!/bin/sh\ncase "$*" in "-m pip "*) ;; *) exec {sys.executable} "$@";; esac\n')
    python.chmod(0o755)
    mark.unlink()
    done = subprocess.run(
        ["make", "-s", "pulumi-path"], cwd=copy.folder, env=copy.environment, capture_output=True, text=True
    )
    assert "Installing into .venv" in done.stderr
    assert mark.exists()
    assert Path(done.stdout.removesuffix("\n")).name == "pulumi"


def test_make_in_a_copy_never_installs_into_the_environment_of_the_tests(checkout: Checkout) -> None:
    before = (ROOT / ".venv/.ready").stat().st_mtime_ns
    (checkout.folder / "pyproject.toml").touch()
    os.utime(checkout.folder / ".venv/.ready")
    assert "Installing" not in checkout.make("setup")
    assert (ROOT / ".venv/.ready").stat().st_mtime_ns == before


def test_setup_says_nothing_where_everything_is_there(checkout: Checkout) -> None:
    assert checkout.make("setup") == ""


def test_make_env_is_for_the_stack_local_only(checkout: Checkout) -> None:
    assert "`make env` is for the stack `local`" in checkout.make("env", "STACK=dev", expect=2)


def test_the_readme_shows_what_make_up_prints(checkout: Checkout) -> None:
    shown = next(text for language, text, _ in blocks((ROOT / "README.md").read_text()) if language == "text")
    said = checkout.shell("unset COLUMNS; script -qec 'stty cols 100; make up' /dev/null")
    assert not_printed(shown, said) == []


def test_the_table_of_make_up_fits_a_hundred_columns(checkout: Checkout) -> None:
    # `script` gives make a terminal; `stty` says how wide it is.
    said = checkout.shell("unset COLUMNS; script -qec 'stty cols 100; make up' /dev/null")
    table = said.split("Datasets of sandbox dev")[1].split("6 datasets,")[0]
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", table).replace("\r", "")
    rows = [line for line in plain.splitlines() if re.search("[0-9a-f]{24}  |──", line)]
    assert len(rows) == 7
    assert max(map(len, rows)) <= 100
    assert plain.splitlines()[1].split()[:2] == ["name", "id"]
