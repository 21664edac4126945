"""Access tokens: one for the whole process, asked for once, renewed early.

Source: Adobe Developer Console, *Server to Server authentication* and its IMS page. ``expires_in`` is in
seconds there (about 24 hours); there is no refresh token.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import NamedTuple

import requests

from aep_provider.aep.remedies import remedy
from aep_provider.aep.responses import error_from_response, mapping
from aep_provider.aep.transport import Transport
from aep_provider.clock import Clock
from aep_provider.errors import (
    ApiError,
    BadCredentials,
    Conflict,
    Refused,
    ServerFault,
    StatusError,
    Throttled,
    TimedOut,
)
from aep_provider.settings import Settings

RENEW_BEFORE = 300.0
"""Seconds before its end at which a token is no longer used."""

REFUSED_FOR = 30.0
"""Seconds for which a refused credential is not tried again: many threads may want a token, and a hundred refused
logins look like an attack."""

_CREDENTIALS_REMEDY = (
    "Check client id, client secret and scopes against the credential in Adobe Developer Console.\n"
    "After a rotation: refresh and destroy use the secret kept in state unless the environment gives a\n"
    "newer one, so export AEP_CLIENT_SECRET, or run `pulumi config set --secret aep:clientSecret …`\n"
    "and export PULUMI_RUN_PROGRAM=true."
)


class _Token(NamedTuple):
    value: str
    ends: float


class TokenSource:
    """Gives the token; threads that ask at the same time share one request.

    Args:
        settings: credential and token endpoint.
        transport: for the token request.
        clock: judges the token's life.
    """

    def __init__(self, settings: Settings, transport: Transport, clock: Clock) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._refused: tuple[BadCredentials, float] | None = None
        for secret in (settings.client_secret, settings.access_token):
            transport.hide(secret)
        if settings.access_token:
            self._token = _Token(settings.access_token, clock.monotonic() + self._life_of_ready_token())

    def get(self, *, urgent: bool = False) -> str:
        """The token, asked for or renewed if need be.

        Raises:
            BadCredentials: the token service refuses the credential.
            ApiError: it cannot be reached, or answers nonsense.
        """
        with self._lock:
            if self._token is None or self._left(self._token) < self._margin:
                # While Profile is off, every try counts.
                if self._refused and not urgent and self._clock.monotonic() < self._refused[1]:
                    raise self._refused[0]
                self._token = self._ask(urgent=urgent)
            return self._token.value

    def ensure(self, seconds: float) -> None:
        """See to it that the token lives for at least `seconds` more.

        Raises:
            Refused: a ready token (AEP_ACCESS_TOKEN) lives shorter, or does not say how long.
        """
        with self._lock:
            if self._token is not None and self._left(self._token) >= seconds:
                return
            if self._settings.access_token:
                raise Refused(
                    "AEP_ACCESS_TOKEN may end while Profile is switched off; nothing was written",
                    f"It must be known to live {seconds / 60:.0f} more minutes. Export a fresh one, or use "
                    "AEP_CLIENT_ID with AEP_CLIENT_SECRET.",
                )
            self._token = self._ask(urgent=False)

    def drop(self, value: str) -> None:
        """Forget a token that the gateway refused, unless it was renewed meanwhile."""
        with self._lock:
            if self._token is not None and self._token.value == value and not self._settings.access_token:
                self._token = None

    @property
    def _margin(self) -> float:
        return float("-inf") if self._settings.access_token else RENEW_BEFORE

    def _left(self, token: _Token) -> float:
        return token.ends - self._clock.monotonic()

    def _ask(self, *, urgent: bool) -> _Token:
        name = "POST token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
            "scope": self._settings.scopes,
        }
        request = requests.Request("POST", f"{self._settings.ims_endpoint}/ims/token/v3", data=form)
        for attempt in (1, 2, 3):
            # Outside the limit of requests at once: whoever waits for the token may hold the last slot.
            response = self._transport.send(
                self._transport.prepare(request), name, urgent=urgent, limited=False
            )
            response = response._replace(sensitive=True)
            if response.status == 200:
                break
            error = error_from_response(response)
            if isinstance(error, StatusError):
                error.remedy = remedy(error)
            # These pass by themselves; anything else from the token service is final.
            if attempt == 3 or urgent or not isinstance(error, Throttled | ServerFault | TimedOut | Conflict):
                explained = _explained(error)
                if isinstance(explained, BadCredentials):
                    self._refused = explained, self._clock.monotonic() + REFUSED_FOR
                raise explained
            self._clock.wait(min(error.retry_after or attempt * 0.5, 30))
        body = mapping(response)
        value, life = body.get("access_token"), body.get("expires_in")
        # Anything but printable ASCII could not be sent in a header, and the library's error would quote it.
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
            raise error_from_response(response, "the response holds no usable access_token")
        if isinstance(life, str) and life.isdecimal() and len(life) < 13:
            life = int(life)
        if isinstance(life, bool) or not isinstance(life, int | float) or not 0 < life < 10**12:
            raise error_from_response(response, "the response holds no usable expires_in")
        self._transport.hide(value)
        return _Token(value, self._clock.monotonic() + max(float(life), RENEW_BEFORE + 1))

    def _life_of_ready_token(self) -> float:
        """Seconds that a ready token still lives; 0 when it does not say.

        Adobe's tokens are JSON Web Tokens that hold ``created_at`` and ``expires_in`` in milliseconds
        (inferred: no page states it); the registered claim ``exp`` is understood as well.
        """
        try:
            payload = self._settings.access_token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            ends = claims.get("exp") or (int(claims["created_at"]) + int(claims["expires_in"])) / 1000
            return float(ends) - self._clock.now().timestamp()
        except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
            return 0.0


def _explained(error: ApiError) -> ApiError:
    if not isinstance(error, StatusError) or error.status not in (400, 401):
        return error
    # The text has code and request id at its end already.
    explained = BadCredentials(
        error.request,
        status=error.status,
        detail=error.problem.partition(": ")[2],
        remedy=_CREDENTIALS_REMEDY,
    )
    explained.request_id = error.request_id
    return explained
