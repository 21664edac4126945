"""The settings of a provider that speaks to an emulator."""

from __future__ import annotations

from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID


def environment(url: str) -> dict[str, str]:
    """As variables of the environment, for sandbox dev."""
    return {
        "AEP_ENDPOINT": url,
        "AEP_IMS_ENDPOINT": url,
        "AEP_SANDBOX": "dev",
        "AEP_ORG_ID": ORG_ID,
        "AEP_CLIENT_ID": CLIENT_ID,
        "AEP_CLIENT_SECRET": CLIENT_SECRET,
    }


def config(url: str) -> dict[str, str]:
    """As the configuration that the engine sends, for sandbox dev."""
    return {
        "aep:endpoint": url,
        "aep:imsEndpoint": url,
        "aep:sandbox": "dev",
        "aep:orgId": ORG_ID,
        "aep:clientId": CLIENT_ID,
        "aep:clientSecret": CLIENT_SECRET,
    }
