"""Appends events one by one and says so after each, until it is killed."""

from __future__ import annotations

import sys

from serving.gateway.event_store import PostedEvent, open_store

store = open_store(sys.argv[1])
for number in range(int(sys.argv[2]), 1_000_000):
    store.append([PostedEvent(f"k{number}-{part}", "s", "e", number) for part in (0, 1)])
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
