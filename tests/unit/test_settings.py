"""Settings: endpoints, locations, and what the messages say."""

from __future__ import annotations

import pytest

from aep_provider.errors import SettingsError
from aep_provider.settings import Settings, is_loopback, plain_secret, same_endpoint

ENOUGH = {"AEP_SANDBOX": "dev", "AEP_ORG_ID": "A@AdobeOrg", "AEP_CLIENT_ID": "c", "AEP_CLIENT_SECRET": "hush"}
EMULATOR = {"AEP_ENDPOINT": "http://emulator:8080", "AEP_IMS_ENDPOINT": "http://emulator:8080"}


def refusal(environ: dict[str, str], **config: str) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.load(config, ENOUGH | environ)
    return str(error.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8080", True),
        ("http://aep.localhost:8080", True),
        ("http://aep.localhost.", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:8080", True),
        ("http://notlocalhost", False),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_names_under_localhost_are_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_plain_http_to_another_host_names_the_opt_in_that_allows_it() -> None:
    told = refusal(EMULATOR)
    assert "would send the token unencrypted" in told
    assert "export AEP_ALLOW_HTTP_HOST=emulator" in told
    settings = Settings.load({}, ENOUGH | EMULATOR | {"AEP_ALLOW_HTTP_HOST": "emulator"})
    assert settings.endpoint == "http://emulator:8080"


def test_the_opt_in_allows_one_host_only() -> None:
    assert "unencrypted" in refusal(EMULATOR | {"AEP_ALLOW_HTTP_HOST": "other"})


@pytest.mark.parametrize("host", ["platform.adobe.io", "ims-na1.adobelogin.com", "adobe.io"])
def test_the_opt_in_never_allows_a_host_of_adobe(host: str) -> None:
    url = f"http://{host}"
    environ = {"AEP_ENDPOINT": url, "AEP_IMS_ENDPOINT": url, "AEP_ALLOW_HTTP_HOST": host}
    assert "must not name a host of Adobe" in refusal(environ)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://platform.adobe.io", "https://platform-va7.adobe.io", True),
        ("https://platform-nld2.adobe.io", "https://platform-aus5.adobe.io", True),
        ("https://platform.adobe.io", "https://platform-stage.adobe.io", False),
        ("https://platform.adobe.io", "https://platform-stg1.adobe.io", False),
        ("https://platform.adobe.io", "https://platform-va7.adobe.io.example.com", False),
        ("http://emulator:8080", "http://localhost:9090", True),
        ("http://aep.localhost:8080", "http://127.0.0.1:1", True),
        ("http://emulator:8080", "https://platform.adobe.io", False),
    ],
)
def test_regional_hosts_of_adobe_are_one_location(one: str, other: str, same: bool) -> None:
    assert same_endpoint(one, other) is same


def test_the_first_problem_is_said_once() -> None:
    told = refusal({"AEP_SANDBOX": "Dev", "AEP_ORG_ID": "acme"})
    assert told.splitlines() == [
        "Invalid aep_provider settings: aep:sandbox (AEP_SANDBOX) must be a sandbox name (lower-case letters, "
        "digits and hyphens), not 'Dev' (1 more problem below)",
        "Did you mean 'dev'?",
        "- aep:orgId (AEP_ORG_ID) must be an organisation id, which ends in @AdobeOrg, not 'acme'.",
    ]


def test_a_sandbox_in_capitals_is_told_in_lower_case() -> None:
    told = refusal({"AEP_SANDBOX": "PROD"}, sandbox="prod")
    assert "Names of sandboxes are in lower case: use 'prod'" in told


def test_a_flag_is_named_where_a_flag_was_given() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load({"sandbox": "prod"}, ENOUGH, {"AEP_SANDBOX": "--sandbox"})
    assert "the stack says 'prod' and --sandbox says 'dev'" in str(error.value)
    assert "Leave --sandbox out" in str(error.value)
    assert "Unset" not in str(error.value)


def test_the_remedy_for_a_plain_secret_names_the_stack() -> None:
    problem, remedy = plain_secret("prod")
    assert "plain text" in problem
    assert "pulumi config set --secret aep:clientSecret --stack prod" in remedy


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AEP_SANDBOX", "d\u0435v", r"not 'd\u0435v'"),
        ("AEP_ORG_ID", "\u200bA@AdobeOrg", r"not '\u200bA@AdobeOrg'"),
        ("AEP_ORG_ID", "\uff21@AdobeOrg", r"not '\uff21@AdobeOrg'"),
        ("AEP_SCOPES", "openid\u200b,session", r"'openid\u200b,session'"),
        ("AEP_ENDPOINT", "https://pl\u0430tform.adobe.io", r"not 'https://pl\u0430tform.adobe.io'"),
        ("AEP_ENDPOINT", "https://platform.adobe.io\u200b", r"platform.adobe.io\u200b'"),
        ("AEP_ENDPOINT", "https://platform.adobe.io#x", "must be a base URL"),
        ("AEP_ENDPOINT", "https://platform.adobe.io?", "must be a base URL"),
    ],
)
def test_what_nobody_sees_in_a_setting_is_shown(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, ENOUGH | {variable: value})
    assert variable in caught.value.message
    assert said in str(caught.value)


def test_scopes_may_stand_on_several_lines() -> None:
    assert Settings.load({}, ENOUGH | {"AEP_SCOPES": "openid,\n session "}).scopes == "openid,session"
