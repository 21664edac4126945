"""The image of the emulator: what its file says, and, where a builder works, what comes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from aep_provider.cli.emulator import emulator
from aep_provider.emulator import Control, Emulator

ROOT = Path(__file__).resolve().parents[2]
TEXT = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)
STEPS = [step.partition(" ") for step in re.sub(r"\s*\\\n\s*", " ", TEXT).splitlines() if step]
PORT = 8080


def given(instruction: str) -> list[str]:
    """What an instruction of the last stage says, each time that it stands there."""
    last = max(place for place, (name, _, _) in enumerate(STEPS) if name == "FROM")
    return [rest for name, _, rest in STEPS[last:] if name == instruction]


def test_it_runs_as_somebody_without_rights_and_with_a_shell_in_no_step_of_running() -> None:
    (user,) = given("USER")
    assert int(user) > 0
    for instruction in ("ENTRYPOINT", "CMD"):
        (words,) = given(instruction)
        assert isinstance(json.loads(words), list)
    assert given("EXPOSE") == [str(PORT)]


def test_no_base_image_is_whatever_is_newest() -> None:
    for image in (rest.split()[0] for name, _, rest in STEPS if name == "FROM"):
        assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim", image)


def test_the_command_takes_what_the_file_gives_it() -> None:
    (entry,), (command,) = given("ENTRYPOINT"), given("CMD")
    program, name, *arguments = json.loads(entry) + json.loads(command)
    assert (Path(program).name, name) == ("aep-provider", "emulator")
    parsed = emulator.make_context(name, arguments).params
    assert (parsed["host"], parsed["port"]) == ("0.0.0.0", PORT)
    (volume,) = given("VOLUME")
    assert parsed["state"].parent == Path(volume)


def test_the_health_check_tells_a_running_emulator_from_none() -> None:
    (check,) = given("HEALTHCHECK")
    _, flag, code = json.loads(check.partition("CMD ")[2])
    with Emulator() as running:
        port = running.url.rpartition(":")[2]
        command = [sys.executable, flag, code.replace(str(PORT), port)]
        assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False).returncode == 1


def test_what_git_ignores_stays_out_of_the_image() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line[:1] != "#"}
    kept_out = {line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    assert ignored - {""} <= kept_out


@pytest.fixture
def builder() -> str:
    """A builder that works here."""
    for name in ("podman", "docker"):
        if (
            shutil.which(name)
            and not subprocess.run([name, "info"], capture_output=True, check=False).returncode
        ):
            return name
    pytest.skip("neither podman nor docker works here")


@pytest.fixture
def image(builder: str) -> Iterator[str]:
    """The image, built."""
    name = f"aep-emulator-test-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [builder, "build", "-q", "-t", name, "-f", ROOT / "Containerfile", ROOT],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode and re.search(r"pulling|registry|resolve|no such host|dial tcp", done.stderr):
        pytest.skip(f"the base image cannot be had: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    yield name
    subprocess.run([builder, "rmi", "-f", name], capture_output=True, check=False)


def test_the_image_serves_and_is_nobody(builder: str, image: str) -> None:
    run = [builder, "run", "-d", "--rm", "-p", f"127.0.0.1::{PORT}", image]
    container = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    try:
        port = [builder, "port", container, f"{PORT}/tcp"]
        address = subprocess.run(port, capture_output=True, text=True, check=True).stdout.split()[0]
        with subprocess.Popen([builder, "logs", "-f", container], stdout=subprocess.PIPE, text=True) as logs:
            assert logs.stdout is not None
            assert any("AEP_IMS_ENDPOINT" in line for line in logs.stdout)
            assert Control(f"http://{address}").health()["status"] == "ok"
            who = subprocess.run([builder, "exec", container, "id", "-u"], capture_output=True, check=True)
            assert who.stdout.strip() != b"0"
            logs.terminate()
    finally:
        subprocess.run([builder, "kill", container], capture_output=True, check=False)
