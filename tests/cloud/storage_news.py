"""OBJECT_FINALIZE notifications in the shape of Cloud Storage, and their way to a Pub/Sub topic.

Source: https://cloud.google.com/storage/docs/pubsub-notifications#format
"""

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Notify = Callable[[dict[str, str], bytes], None]
_log = logging.getLogger(__name__)


def notification_of(resource: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return attributes and data of the message that tells of a finished object."""
    attributes = {
        "notificationConfig": f"projects/_/buckets/{resource['bucket']}/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": resource["bucket"],
        "objectId": resource["name"],
        "objectGeneration": resource["generation"],
        "eventTime": resource["updated"],
    }
    return attributes, json.dumps(resource).encode()


def to_topic(topic: str) -> Notify:
    """Return a way to publish to a topic that does not keep uploads waiting.

    Args:
        topic: Its full name, ``projects/P/topics/T``.
    """
    from google.cloud import pubsub_v1  # noqa: PLC0415  # only where a topic is asked for

    publisher = pubsub_v1.PublisherClient()
    pool = ThreadPoolExecutor(1)

    def notify(attributes: dict[str, str], data: bytes) -> None:
        pool.submit(lambda: publisher.publish(topic, data, **attributes).result(60)).add_done_callback(_tell)

    return notify


def _tell(done: "Future[str]") -> None:
    error = done.exception()
    if error is not None:
        _log.error("a notification was lost: %s", error)
