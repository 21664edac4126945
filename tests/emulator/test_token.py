"""The token service: OAuth server-to-server, client_credentials."""

from __future__ import annotations

import pytest
import requests

FORM = {
    "grant_type": "client_credentials",
    "client_id": "demo-client",
    "client_secret": "demo-secret",
    "scope": "openid,AdobeID,read_organizations",
}
TOKEN = "/ims/token/v3"


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FORM.items() if name not in names}


def test_form_body_gives_exactly_the_three_documented_fields(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data=FORM)

    assert reply.status_code == 200
    assert reply.json().keys() == {"access_token", "token_type", "expires_in"}
    assert reply.json()["token_type"] == "bearer"


def test_lifetime_is_in_seconds(bare: requests.Session) -> None:
    assert bare.post(TOKEN, data=FORM).json()["expires_in"] == 86399


def test_fields_may_all_be_in_the_query(bare: requests.Session) -> None:
    assert bare.post(TOKEN, params=FORM).status_code == 200


def test_fields_may_be_split_between_query_and_body(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, params={"client_id": "demo-client"}, data=without("client_id"))

    assert reply.status_code == 200


def test_wrong_secret(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data={**FORM, "client_secret": "guess"})

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "invalid_client",
        "error_description": "invalid client_secret parameter",
    }


def test_secret_of_another_client_is_wrong(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data={**FORM, "client_secret": "other-secret"})

    assert reply.json()["error_description"] == "invalid client_secret parameter"


def test_unknown_client(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data={**FORM, "client_id": "nobody"})

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "invalid_client",
        "error_description": "invalid client_id parameter",
    }


def test_missing_scope_is_refused_because_it_is_mandatory(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data=without("scope"))

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_scope")


def test_missing_grant(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data=without("grant_type"))

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def test_unsupported_grant(bare: requests.Session) -> None:
    reply = bare.post(TOKEN, data={**FORM, "grant_type": "password"})

    assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("field", [{"client_secret": "guess"}, {"client_id": "nobody"}, {"grant_type": ""}])
def test_errors_hold_the_two_documented_fields_and_no_secret(
    bare: requests.Session, field: dict[str, str]
) -> None:
    reply = bare.post(TOKEN, data={**FORM, **field})

    assert reply.json().keys() == {"error", "error_description"}
    assert "demo-secret" not in reply.text


def test_new_token_leaves_the_old_one_valid(platform: requests.Session, bare: requests.Session) -> None:
    assert bare.post(TOKEN, data=FORM).status_code == 200

    assert platform.get("/data/foundation/catalog/dataSets").status_code == 200


def test_each_token_is_another(bare: requests.Session) -> None:
    tokens = {bare.post(TOKEN, data=FORM).json()["access_token"] for _ in range(3)}

    assert len(tokens) == 3
