"""What every store of API keys and counts must keep."""

import threading
from datetime import UTC, datetime, timedelta

from shared.access.api_key import drawn_key, hash_of, revoked
from shared.access.limits import Limit, of_key, window_of

NOW = datetime(2026, 1, 2, 10, 30, tzinfo=UTC)
JOBS = Limit(what="jobs", most=5, window=timedelta(hours=1))


class AccessStoreContract:
    """Subclasses give ``store``."""

    def test_a_key_is_found_by_the_hash_of_its_text_alone(self, store):
        text, key = drawn_key("ada", NOW, jobs_per_day=3)
        store.put_key(key)
        assert store.key(hash_of(text)) == key
        assert store.key(hash_of(text + "x")) is None
        assert text.partition(f"{key.key_id}_")[2] not in str(store.all_keys())

    def test_a_revoked_key_stays_in_the_list_and_says_so(self, store):
        first, second = drawn_key("ada", NOW)[1], drawn_key("bob", NOW + timedelta(seconds=1))[1]
        for key in (second, first, revoked(first, NOW)):
            store.put_key(key)
        assert [(each.name, each.revoked_at) for each in store.all_keys()] == [("ada", NOW), ("bob", None)]

    def test_counts_add_up_for_each_who_uses_something_and_begin_anew_with_the_next_window(self, store):
        ada, bob = (window_of(JOBS, of_key(name), NOW) for name in ("ada", "bob"))
        later = window_of(JOBS, of_key("ada"), NOW + timedelta(hours=1))
        assert [store.add(window, amount) for window, amount in ((ada, 1), (ada, 2), (bob, 1), (later, 1))] == [
            1,
            3,
            1,
            1,
        ]

    def test_counts_of_bytes_may_be_larger_than_32_bits(self, store):
        window = window_of(JOBS, of_key("ada"), NOW)
        assert store.add(window, 2**40) == 2**40
        assert store.add(window, 2**40) == 2**41

    def test_nobody_gets_a_place_twice_however_many_ask_at_once(self, store):
        window, sums = window_of(JOBS, of_key("ada"), NOW), []
        threads = [threading.Thread(target=lambda: sums.append(store.add(window, 1))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(sums) == [*range(1, 9)]
