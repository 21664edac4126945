"""Remedies about settings and what a command stands on: each is read from the output, done, and seen to lead out."""

from __future__ import annotations

import http.server
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project
from support.reader import Reader, commands

ID = "5b020a27e7040801dedbf46e"
DISCOVER = "aep-provider discover"
ALONE = f"{DISCOVER} --no-stack"


@pytest.fixture
def reader(project: Project) -> Reader:
    return Reader(project)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AEP_SANDBOX", "dev"),
        ("AEP_ORG_ID", ORG_ID),
        ("AEP_CLIENT_ID", CLIENT_ID),
        ("AEP_CLIENT_SECRET", CLIENT_SECRET),
    ],
)
def test_a_missing_setting_is_set_by_the_command_named(reader: Reader, variable: str, value: str) -> None:
    del reader.environment[variable]
    told = reader.told(DISCOVER, "Set it: `pulumi config set")
    reader.follow(told, value)
    reader.run(DISCOVER)
    assert f"export {variable}" in told
    reader.run(f"pulumi config rm {commands(told)[0].split()[-2]}; export {variable}={value}; {DISCOVER}")


def test_a_sandbox_that_disagrees_is_unset_or_left_out(reader: Reader) -> None:
    reader.run("pulumi config set aep:sandbox dev")
    reader.environment["AEP_SANDBOX"] = "prod"
    told = reader.told(DISCOVER, ", or select the stack of … (`pulumi stack select`")
    (variable,) = re.findall(r"Unset (\w+)", told)
    reader.run(f"unset {variable}; {DISCOVER}")
    del reader.environment["AEP_SANDBOX"]
    told = reader.told(f"{DISCOVER} --sandbox prod", ", or select the stack of …")
    assert "Leave --sandbox out" in told
    reader.run("pulumi stack init other; pulumi config set aep:sandbox prod; pulumi stack select dev")
    reader.run(f"{commands(told)[0]} other; {DISCOVER} --sandbox prod")


def test_a_sandbox_in_capitals_is_told_in_lower_case(reader: Reader) -> None:
    reader.run("pulumi config set aep:sandbox dev")
    del reader.environment["AEP_SANDBOX"]
    (name,) = re.findall(
        "use '(.*)'", reader.told(f"{DISCOVER} --sandbox DEV", "Names of sandboxes are in lower case")
    )
    reader.run(f"{DISCOVER} --sandbox {name}")
    reader.told(f"{ALONE} --sandbox DEV", "must be a sandbox name")
    (name,) = re.findall("Did you mean '(.*?)'", reader.run(f"{ALONE} --sandbox DEV", expect=1))
    reader.run(f"{ALONE} --sandbox {name}")


@pytest.mark.parametrize(
    ("variable", "wrong", "remedy"),
    [
        ("AEP_CLIENT_ID", f"{CLIENT_ID} ", "contains a space, a line break"),
        ("AEP_SCOPES", "openid\u200b", "contains a character outside ASCII: …"),
        ("AEP_ORG_ID", "acme", "must be an organisation id"),
        ("AEP_ENDPOINT", "http://u:p@127.0.0.1:1", "must not contain a user name"),
        ("AEP_ENDPOINT", "127.0.0.1", "must be a base URL such as"),
        ("AEP_ENDPOINT", "http://127.0.0.1:port", "must be a URL such as"),
    ],
)
def test_a_malformed_setting_is_corrected_as_told(
    reader: Reader, variable: str, wrong: str, remedy: str
) -> None:
    right = reader.environment.get(variable, "")
    reader.environment[variable] = wrong
    assert variable in reader.run(ALONE, expect=1)
    reader.told(ALONE, remedy)
    reader.environment[variable] = right
    reader.run(ALONE)


def test_an_emulator_elsewhere_needs_the_opt_in_named(reader: Reader, aep: Aep) -> None:
    # On Linux 0.0.0.0 leads to this machine, without being one of its own addresses.
    elsewhere = aep.url.replace("127.0.0.1", "0.0.0.0")
    reader.environment["AEP_ENDPOINT"] = elsewhere
    told = reader.told(ALONE, "one is local and the other is not. Set both, or neither.")
    assert "aep:imsEndpoint" in told
    reader.environment["AEP_IMS_ENDPOINT"] = elsewhere
    told = reader.told(ALONE, "which would send the token unencrypted")
    export = re.findall(r"export \S+=[\w.]+", told)[0]
    reader.run(f"{export}; {ALONE}")
    reader.environment["AEP_ALLOW_HTTP_HOST"] = "platform.adobe.io"
    assert reader.told(ALONE, "must not name a host of Adobe").endswith("Unset it")
    del reader.environment["AEP_ALLOW_HTTP_HOST"]
    reader.environment |= {"AEP_ENDPOINT": aep.url, "AEP_IMS_ENDPOINT": aep.url}
    reader.run(ALONE)


@pytest.fixture
def encrypted(aep: Aep, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The emulator behind https, as a proxy that inspects traffic serves it; and the certificate."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed, so no certificate can be made")
    certificate, key = tmp_path / "proxy.pem", tmp_path / "proxy.key"
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [*make.split(), "-keyout", key, "-out", certificate, "-days", "2"], check=True, capture_output=True
    )

    class Forward(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            came = requests.request(
                self.command, f"{aep.url}{self.path}", data=body, headers=headers, timeout=30
            )
            self.send_response(came.status_code)
            self.send_header("Content-Type", came.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(came.content)))
            self.end_headers()
            self.wfile.write(came.content)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_address[1]}", certificate
    server.shutdown()
    server.server_close()


def test_a_certificate_is_trusted_as_told(reader: Reader, encrypted: tuple[str, Path]) -> None:
    url, certificate = encrypted
    reader.environment |= {"AEP_ENDPOINT": url, "AEP_IMS_ENDPOINT": url}
    told = reader.told(ALONE, "Behind a proxy that inspects traffic")
    (variable,) = re.findall(r"set (\w+) to its certificate", told)
    reader.environment[variable] = "/nowhere.pem"
    told = reader.told(ALONE, "with the certificates to trust, in PEM form")
    assert f"Set {variable}" in told
    told = reader.told("aep-provider doctor", "of certificates in PEM form, or unset it")
    assert f"Set {variable}" in told
    reader.environment[variable] = str(certificate)
    reader.run(ALONE)
    assert "certificates: " in reader.run("aep-provider doctor | grep '^ok .*certificates'")
    del reader.environment[variable]
    reader.environment["SSL_CERT_FILE"] = str(certificate)
    told = reader.told("aep-provider doctor", "export REQUESTS_CA_BUNDLE=$SSL_CERT_FILE")
    reader.run(f"{re.findall('export [^ ]*SSL_CERT_FILE', told)[0]}; {ALONE}")


def test_a_place_that_answers_in_html_is_not_the_service(reader: Reader, aep: Aep, tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reader.environment["AEP_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}"
    told = reader.told(ALONE, "a gateway or proxy does not know the address")
    server.shutdown()
    server.server_close()
    assert "(AEP_ENDPOINT)" in told
    told = reader.told(ALONE, "Check the network, HTTPS_PROXY and the endpoint")
    reader.environment["AEP_ENDPOINT"] = aep.url
    reader.run(ALONE)


@pytest.mark.parametrize("by", ["config", "environment"])
def test_a_refused_secret_is_replaced_as_told(reader: Reader, by: str) -> None:
    reader.run("pulumi config set --secret aep:clientSecret wrong")
    del reader.environment["AEP_CLIENT_SECRET"]
    told = reader.told(DISCOVER, "Check client id, client secret and scopes")
    if by == "config":
        reader.follow(told, CLIENT_SECRET)
    else:
        assert "export AEP_CLIENT_SECRET" in told
        reader.environment["AEP_CLIENT_SECRET"] = CLIENT_SECRET
    reader.run(DISCOVER)


def test_a_refused_token_is_unset_or_renewed(reader: Reader, aep: Aep) -> None:
    reader.environment["AEP_ACCESS_TOKEN"] = "expired"
    told = reader.told(ALONE, "If AEP_ACCESS_TOKEN is set, it has expired")
    assert "unset it and use AEP_CLIENT_ID with AEP_CLIENT_SECRET" in told
    reader.run(f"unset AEP_ACCESS_TOKEN; {ALONE}")
    reader.environment["AEP_ACCESS_TOKEN"] = aep.token()
    reader.run(ALONE)
    told = reader.told("aep-provider doctor", "Export a new one, or use AEP_CLIENT_SECRET.")
    assert "ok           token" in reader.run("unset AEP_ACCESS_TOKEN; aep-provider doctor", expect=None)


def test_another_organisation_is_corrected_as_told(reader: Reader, aep: Aep) -> None:
    reader.environment["AEP_ORG_ID"] = f"F{ORG_ID[1:]}"
    assert "aep:orgId" in reader.told(ALONE, "Check aep:orgId, then whether")
    reader.environment["AEP_ORG_ID"] = ORG_ID
    reader.environment["AEP_SANDBOX"] = "nowhere"
    assert "aep:sandbox" in reader.told(ALONE, "that a role of the credential includes that sandbox")
    reader.environment["AEP_SANDBOX"] = "dev"
    reader.run(ALONE)


def test_a_client_id_that_is_not_the_tokens_is_corrected(reader: Reader, aep: Aep) -> None:
    reader.environment |= {"AEP_ACCESS_TOKEN": aep.token(), "AEP_CLIENT_ID": "nobody"}
    told = reader.run(ALONE, expect=1)
    assert "aep:clientId" in told
    reader.environment["AEP_CLIENT_ID"] = CLIENT_ID
    reader.run(ALONE)


PASSING = {
    "AEP limits how many requests it takes": {"status": 429, "body": {"title": "no"}},
    "The fault is on AEP's side": {"status": 500, "body": {}},
    "A proxy or gateway in between may have answered": {"status": 200, "raw_body": "<html>login</html>"},
    "whether a proxy on the way to AEP answers for it": {
        "status": 200,
        "body": {ID: {"name": "x", "imsOrg": "F@AdobeOrg"}},
    },
    "Something else has changed it at the same time": {"status": 409, "body": {"title": "no"}},
}


@pytest.mark.parametrize("remedy", PASSING)
def test_what_passes_is_over_when_it_is_run_again(reader: Reader, aep: Aep, remedy: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {})
    aep.fault(PASSING[remedy], times=None, service="catalog")
    reader.told(ALONE, remedy)
    aep.clear_faults()
    assert ID in reader.run(ALONE)


def test_a_page_that_comes_again_is_over_when_it_is_run_again(reader: Reader, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    aep.seed(datasets={f"{n:024x}": {**body, "name": str(n), "tags": {}} for n in range(100)})
    page = {f"{n:024x}": {**body, "name": str(n), "tags": {}} for n in range(100)}
    aep.fault({"status": 200, "body": page}, times=None, service="catalog", path="/dataSets")
    reader.told(ALONE, "Run again; if it stays so, a proxy")
    aep.clear_faults()
    reader.run(ALONE)


def test_a_command_without_a_project_is_run_in_one(reader: Reader, tmp_path: Path) -> None:
    status = "aep-provider status"
    told = reader.told(f"cd {tmp_path}; {status}", "Use --cwd DIR.")
    flag = told.split()[1]
    reader.run(f"cd {tmp_path}; {status} {flag} {reader.project.folder}")
    told = reader.told(f"{status} --no-stack", "Leave --no-stack out, or use --stack NAME.")
    reader.run(status)
    reader.run(f"{status} {re.findall('--stack', told)[0]} dev")


def test_a_pulumi_that_is_missing_or_no_pulumi_is_put_on_path(reader: Reader, tmp_path: Path) -> None:
    whole, bare = reader.environment["PATH"], tmp_path / "bare"
    bare.mkdir()
    for name in ("bash", "env"):
        (bare / name).symlink_to(str(shutil.which(name)))
    status = f"{Path(str(shutil.which('aep-provider', path=whole)))} status -C {reader.project.folder} -s dev"
    reader.environment["PATH"] = str(bare)
    assert "make -s pulumi-path" in reader.told(status, "Put it on PATH; in a checkout")
    (bare / "pulumi").write_text("#!/bin/sh\necho another program\n")
    (bare / "pulumi").chmod(0o755)
    told = reader.told(status, "Check that `pulumi` on PATH is Pulumi's own command")
    assert "another program" in reader.follow(told)
    reader.environment["PATH"] = f"{Path(reader.project.pulumi).parent}:{bare}"
    reader.run(status)


def test_without_the_passphrase_a_command_works_as_told(reader: Reader) -> None:
    reader.run("pulumi config set --secret aep:clientSecret x")
    del reader.environment["PULUMI_CONFIG_PASSPHRASE"], reader.environment["AEP_CLIENT_SECRET"]
    told = reader.told(DISCOVER, "To work without the selected stack: --no-stack")
    reader.run(f"export AEP_CLIENT_SECRET={CLIENT_SECRET}; {DISCOVER} {re.findall('--no-stack', told)[0]}")


def test_a_log_that_cannot_be_written_is_named_and_cured(reader: Reader, aep: Aep) -> None:
    reader.project.program(
        f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
    )
    reader.environment["AEP_LOG"] = "text"
    reader.told("pulumi up", "It can be json, or unset.")
    assert aep.writes() == []
    reader.environment |= {"AEP_LOG": "json", "AEP_LOG_FILE": "missing/events.jsonl"}
    reader.told("pulumi up", "Name a file in a folder that exists; a named pipe needs a reader that stays.")
    assert aep.writes() == []
    reader.run("mkdir missing; pulumi preview")
    reader.run("mkfifo pipe; exec 3<>pipe; AEP_LOG_FILE=pipe pulumi up")
    reader.run("unset AEP_LOG; pulumi destroy")


def test_a_secret_that_the_last_run_did_not_have_is_found_as_told(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {"unifiedProfile": ["enabled:true", "isUpsert:true"]})
    reader.project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    reader.run("pulumi up --skip-preview --non-interactive")
    for variable in ("AEP_CLIENT_SECRET", "PULUMI_RUN_PROGRAM"):
        del reader.environment[variable]
    preview = "pulumi preview --refresh --non-interactive"
    told = reader.told(preview, "Set it: `pulumi config set")
    reader.follow(told, CLIENT_SECRET)
    told = reader.told(preview, "If you have just set it: a refresh uses the settings that the last run left")
    (way,) = re.findall(r"PULUMI_RUN_PROGRAM=\w+", told)
    reader.run(f"export {way}; {preview}")
    reader.run(f"export AEP_CLIENT_SECRET={CLIENT_SECRET}; {preview}")
