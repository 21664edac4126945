"""What one plugin process keeps: its configuration, and one client."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aep_provider.errors import SettingsError
from aep_provider.operations.context import Context, Run
from aep_provider.plugin import host
from aep_provider.plugin.preview import Preview
from aep_provider.settings import Settings

if TYPE_CHECKING:
    from aep_provider.aep import Aep
    from aep_provider.plugin.event_log import EventLog
    from aep_provider.plugin.spans import Spans

CALLS_FOR_EACH_REQUEST = 2
"""Calls that the plugin answers at a time, for each request that may be under way. With as many calls as requests, a
slot stays empty whenever a call does something else, and the last resources of a stack go in a round of their own."""

_KEPT_IN_STATE = (
    "If you have just set it: a refresh uses the settings that the last run left in the state. Export "
    "PULUMI_RUN_PROGRAM=true, or the setting's variable."
)

COLLECTOR = "PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT"
"""Where the engine collects spans, with `pulumi --otel-traces`."""


class Process:
    """What one plugin process knows: its configuration, and one client made when the first call needs it.

    Attributes:
        preview, run: what it has learnt.
        log: takes events, or ``None``.
        spans: makes spans, or ``None``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: Mapping[str, Any] | None = None
        self._settings: Settings | None = None
        self._aep: Aep | None = None
        self._shared: Aep | None = None
        self.preview = Preview()
        self.run = Run()
        self.log: EventLog | None = None
        self.spans: Spans | None = None

    def follow(self, environ: Mapping[str, str]) -> bool:
        """Begin to log and to trace, where the environment asks for it.

        Args:
            environ: of the process.

        Returns:
            Whether it does.

        Raises:
            SettingsError: it asks for a log that cannot be written.
        """
        # What these import, a run without them need not have.
        if environ.get("AEP_LOG") and self.log is None:
            from aep_provider.plugin.event_log import opened

            self.log = opened(environ, host.CLOCK.now)
        if environ.get(COLLECTOR) and self.spans is None:
            try:
                from aep_provider.plugin.spans import Spans

                self.spans = Spans.sent_to(environ[COLLECTOR])
            except Exception as error:
                host.EngineReporter().once(f"The provider's spans are missing in the trace: {error!r}")
        return bool(self.log or self.spans)

    def reporter(self) -> host.EngineReporter:
        """Takes what is to be said of the call that this thread answers."""
        return host.EngineReporter(self.log)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take a configuration; if it is another one, what was learnt under the old one is forgotten.

        Pulumi's host configures once for each text that a provider is pickled to, and one state may hold several,
        since versions of Python pickle differently. What this run has learnt keeps deletes from what is alive, so it
        has to outlive that.
        """
        with self._lock:
            if config == self._config:
                return
            self._config, self._settings, self._aep, self._shared = config, None, None, None
            self.preview = Preview()
            self.run = Run()

    @property
    def settings(self) -> Settings:
        """The settings, read when first needed; raises `SettingsError`."""
        with self._lock:
            return self._loaded()

    def _loaded(self) -> Settings:
        if self._settings is None:
            try:
                self._settings = Settings.load(self._config or {}, os.environ)
            except SettingsError as error:
                if " is missing" in str(error):
                    error = SettingsError(error.message, f"{error.remedy}\n{_KEPT_IN_STATE}")
                raise error from None
        return self._settings

    def context(self) -> Context:
        """For an operation that writes: what it reads is read then and there."""
        context = self._context(sharing=False)
        context.aep.reads.forget_failures()
        return context

    def sharing(self) -> Context:
        """For a refresh or a preview: what it reads may have been read together with other datasets."""
        return self._context(sharing=True)

    def _context(self, *, sharing: bool) -> Context:
        with self._lock:
            settings = self._loaded()
            if self._aep is None or self._shared is None:
                # Imported here because the HTTP library takes longer to import than an unchanged stack needs.
                from aep_provider.aep import connect
                from aep_provider.aep.reads import chosen

                reads = chosen(os.environ, host.CLOCK, settings.parallel)
                self._aep = connect(settings, host.CLOCK, reads, self.spans)
                self._shared = reads.for_refreshes(self._aep)
                if reads.widens:
                    host.widen(CALLS_FOR_EACH_REQUEST * settings.parallel)
            aep = self._shared if sharing else self._aep
            return Context(aep, settings, self.reporter(), host.CLOCK, self.run)


PROCESS = Process()
