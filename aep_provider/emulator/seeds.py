"""What a fresh emulator holds: the same organisation, clients, sandboxes and schemas in every seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from aep_provider.emulator import schema_forms
from aep_provider.emulator.merging import merge
from aep_provider.emulator.registry import TENANT
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

ORG_ID = "0123456789ABCDEF01234567@AdobeOrg"

CLIENT_ID = "demo-client"
CLIENT_SECRET = "demo-secret"  # noqa: S105 - known to everyone, for the emulator only
OTHER_CLIENT_ID = "other-client"
OTHER_CLIENT_SECRET = "other-secret"  # noqa: S105

SANDBOX = "dev"
PRODUCTION_SANDBOX = "prod"


def _schema_id(label: str) -> str:
    return f"https://ns.adobe.com/{TENANT}/schemas/{hashlib.sha256(label.encode()).hexdigest()}"


PROFILE_SCHEMA = _schema_id("Customers")
PROFILE_SCHEMA_2 = _schema_id("Orders")
PLAIN_SCHEMA = _schema_id("Products")
EVENTS_SCHEMA = _schema_id("Web Events")
GLOBAL_SCHEMA = "https://ns.adobe.com/xdm/context/profile-union-sample"

DEMO_PROFILE_DATASET = "5b020a27e7040801dedbf46e"
DEMO_PLAIN_DATASET = "65f1c0a2b3d4e5f60718293a"
DEMO_SPACED_DATASET = "65f1c0a2b3d4e5f607182940"
DEMO_EVENTS_DATASET = "672a10b1074ceb2af0aa7034"
DEMO_SYSTEM_DATASET = "60c7d3e8a1b2c3d4e5f60718"

RECORD = "https://ns.adobe.com/xdm/data/record"
TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"
PROFILE_CLASS = schema_forms.PROFILE_CLASS
EVENT_CLASS = schema_forms.EVENT_CLASS

_CREATED = 1730810034023


def apply_seed(world: World, name: str) -> None:
    """Make the state be what a seed holds, and nothing else.

    Raises:
        ValueError: there is no such seed; nothing is changed.
    """
    if name not in SEEDS:
        raise ValueError(f"unknown seed {name!r}; known: {', '.join(SEEDS)}")
    with world.store.transaction():
        world.store.clear()
        for client, secret in ((CLIENT_ID, CLIENT_SECRET), (OTHER_CLIENT_ID, OTHER_CLIENT_SECRET)):
            merge(world, {"clients": {client: {"secret": secret, "org": ORG_ID}}})
        merge(world, {"sandboxes": _sandboxes(), "schemas": _schemas(), "descriptors": _descriptors()})
        merge(world, SEEDS[name]())
        world.store.put("meta", "seed", {"name": name})


def _sandboxes() -> list[Json]:
    common: Json = {"state": "active", "region": "VA7", "createdDate": "2019-09-04 04:57:24"}
    return [
        {
            **common,
            "id": "1a4e2b60-7c1d-4f3a-9d26-b3a1c0de0001",
            "name": PRODUCTION_SANDBOX,
            "title": "Production",
            "type": "production",
            "isDefault": True,
        },
        {
            **common,
            "id": "1a4e2b60-7c1d-4f3a-9d26-b3a1c0de0002",
            "name": SANDBOX,
            "title": "Development",
            "type": "development",
            "isDefault": False,
        },
    ]


def _schemas() -> list[Json]:
    union: Json = {"meta:immutableTags": ["union"]}
    return [
        {**_schema(PROFILE_SCHEMA, "Customers", PROFILE_CLASS, RECORD), **union},
        {**_schema(PROFILE_SCHEMA_2, "Orders", PROFILE_CLASS, RECORD), **union},
        _schema(PLAIN_SCHEMA, "Products", PROFILE_CLASS, RECORD),
        {**_schema(EVENTS_SCHEMA, "Web Events", EVENT_CLASS, TIME_SERIES), **union},
        _schema(GLOBAL_SCHEMA, "Adobe sample profile", PROFILE_CLASS, RECORD),
    ]


def _schema(schema_id: str, title: str, meta_class: str, behaviour: str) -> Json:
    return {
        "$id": schema_id,
        "title": title,
        "description": f"{title} (sample)",
        "version": "1.1",
        "meta:class": meta_class,
        "meta:extends": [meta_class, behaviour],
        "allOf": [
            {"$ref": meta_class, "type": "object", "meta:xdmType": "object"},
            {"$ref": "#/definitions/customFields", "type": "object", "meta:xdmType": "object"},
        ],
        "definitions": {
            "customFields": {
                "properties": {
                    "personalEmail": _fields("address"),
                    "person": {"type": "object", "properties": {"name": _fields("firstName", "lastName")}},
                }
            }
        },
    }


def _fields(*names: str) -> Json:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


def _descriptors() -> list[Json]:
    """Return what says, per schema, where the primary identity of a row is."""
    return [
        {
            "@id": hashlib.sha256(f"identity of {schema}".encode()).hexdigest(),
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": schema,
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/personalEmail/address",
            "xdm:namespace": "Email",
            "xdm:property": "xdm:code",
            "xdm:isPrimary": True,
        }
        for schema in (PROFILE_SCHEMA, PROFILE_SCHEMA_2, EVENTS_SCHEMA)
    ]


def _demo() -> Json:
    return {
        "sandbox": SANDBOX,
        "datasets": {
            DEMO_PROFILE_DATASET: _orders(),
            DEMO_PLAIN_DATASET: _dataset("Products", PLAIN_SCHEMA, {}),
            DEMO_SPACED_DATASET: _dataset(
                "Loyalty members",
                PROFILE_SCHEMA,
                {
                    "unifiedProfile": ["enabled: true", "isUpsert: true", "enabledAt:2024-11-05 12:33:59"],
                    "unifiedIdentity": ["enabled: true"],
                },
            ),
            DEMO_EVENTS_DATASET: _dataset(
                "Web events",
                EVENTS_SCHEMA,
                {
                    "unifiedProfile": ["enabled:true", "enabledAt:2024-11-05 12:33:59"],
                    "unifiedIdentity": ["enabled:true"],
                },
                behaviour="time-series",
            ),
            DEMO_SYSTEM_DATASET: _dataset(
                "Profile-Snapshot-Export-3f0e6c1a",
                PROFILE_SCHEMA,
                {"unifiedProfile": ["mergePolicyId:3f0e6c1a-5b0e-4d0c-8a53-2f6d9a7b1c11"]},
                managed_by="SYSTEM",
            ),
        },
        "batches": {
            "01JD0Q6Z5X8T4N2B7C9E1F3G5H": {
                "status": "success",
                "created": _CREATED + 60_000,
                "updated": _CREATED + 95_000,
                "started": _CREATED + 70_000,
                "completed": _CREATED + 95_000,
                "relatedObjects": [{"type": "dataSet", "id": DEMO_PROFILE_DATASET}],
                "metrics": {"inputRecordCount": 1141, "outputRecordCount": 1141, "failedRecordCount": 0},
            }
        },
        "targetConnections": [
            {
                "id": "0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a01",
                "name": "Web events target",
                "params": {"dataSetId": DEMO_EVENTS_DATASET},
                "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"},
            }
        ],
        "sourceConnections": [
            {
                "id": "0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a02",
                "name": "Web events source",
                "params": {},
                "connectionSpec": {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"},
            }
        ],
        "flows": [
            {
                "id": "0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a03",
                "name": "Web events stream",
                "state": "enabled",
                "flowSpec": {"id": "d8a6f005-7eaf-4153-983e-e8574508b877", "version": "1.0"},
                "sourceConnectionIds": ["0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a02"],
                "targetConnectionIds": ["0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a01"],
            }
        ],
    }


def _orders() -> Json:
    """Return a dataset of another team, with the tags that a real one had (live tutorial, 2024)."""
    tags = {
        "adobe/siphon/partition/definition": ["day(timestamp, _ACP_DATE)", "identity(_ACP_BATCHID)"],
        "adobe/siphon/meta": ["acpBufferedFlag::false"],
        "aep/siphon/partitions": ["_ACP_DATE", "_ACP_BATCHID"],
        "acp_granular_plugin_validation_flags": ["identity:enabled", "profile:disabled"],
        "acp_granular_validation_flags": ["requiredFieldCheck:enabled"],
        "aep/siphon/cleanup/trash/timestamp": ["1733302532212"],
        "acp_validationContext": ["enabled"],
        "unifiedProfile": ["enabled:true", "enabledAt:2024-11-05 12:33:59"],
        "aep/siphon/cleanup/meta/timestamp": ["1733302532287"],
        "unifiedIdentity": ["enabled:true"],
        "team": ["commerce"],
        "costCentre": ["4711"],
    }
    metrics = {"storageSize": 810709, "rowCount": 1141, "asOf": 1732494676514}
    return {
        **_dataset("Orders", PROFILE_SCHEMA_2, tags),
        "description": "Orders of the web shop",
        "extensions": {"adobe_lakeHouse": {"metrics": metrics}, "adobe_unifiedProfile": {}},
        "version": "1.0.21",
        "updated": 1733302532348,
        "updatedUser": "acp_foundation_dataTracker@AdobeID",
    }


def _dataset(
    name: str,
    schema_id: str,
    tags: dict[str, list[str]],
    behaviour: str = "record",
    managed_by: str = "CUSTOMER",
) -> Json:
    table = "".join(letter if letter.isalnum() else "_" for letter in name.lower())
    return {
        "name": name,
        "tags": {"adobe/pqs/table": [table], "adobe/siphon/table/format": ["delta"], **tags},
        "classification": {"dataBehavior": behaviour, "managedBy": managed_by},
        "created": _CREATED,
        "updated": _CREATED,
        "createdClient": OTHER_CLIENT_ID,
        "schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"},
    }


SEEDS: dict[str, Callable[[], Json]] = {"empty": dict, "demo": _demo}
"""What each seed adds to the common base."""
