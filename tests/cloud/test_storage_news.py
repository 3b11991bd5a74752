"""The news of a finished upload reaches a topic of the Pub/Sub emulator, as Cloud Storage would send it."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.cloud import pubsub_v1

from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore
from shared.adapters.gcp.storage.notification import event_of_notification
from tests.cloud.storage_fixture import BUCKET, storage_process
from tests.contract.object_store_contract import put
from tests.waiting import PATIENCE_S


def test_a_finished_upload_is_told_to_a_topic(
    pubsub: str, project: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, subscription = f"projects/{project}/topics/news", f"projects/{project}/subscriptions/news"
    with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=subscription, topic=topic)
        with storage_process(key_file, "--notify-topic", topic) as url:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
            with closing(GcsObjectStore(BUCKET)) as store:
                stored = put(store, "uploads/7f3a/archive.zip")
            [received] = subscriber.pull(
                subscription=subscription, max_messages=1, timeout=PATIENCE_S
            ).received_messages
    event = event_of_notification(dict(received.message.attributes), bucket=BUCKET, now=datetime.now(UTC))
    assert event is not None
    assert (event.job_id, event.object_key, event.generation) == ("7f3a", stored.key, stored.generation)
