#!/usr/bin/env python3
"""Reads what ships publish, in nothing but Python's own library: one envelope a line from standard input.

    mosquitto_sub -h broker.example -i office -c -q 1 -t 'vessel/sync/#' | python3 consumer.py

`-c` and a fixed client id make the broker keep what comes while this script is away; `-q 1` keeps the order across QoS levels.
"""

import json
import sys


class Stream:
    """What one vessel numbers in a row: its changes of one entity type, in one epoch."""

    def __init__(self):
        self.handled = set()
        self.lost = set()

    @property
    def missing(self):
        known = self.handled | self.lost
        return sorted(set(range(1, max(known, default=0) + 1)) - known)


def numbers(ranges):
    return {number for item in ranges for number in range(item["from"], item["to"] + 1)}


def main():
    streams = {}
    seen = set()
    for line in sys.stdin:
        try:
            envelope = json.loads(line)
        except ValueError:
            print(f"not JSON, {len(line)} characters", file=sys.stderr)
            continue
        if not isinstance(envelope, dict):
            continue
        kind, vessel, entity = (envelope.get(name) for name in ("type", "vesselId", "entity"))
        if kind == "status":
            print(f"{vessel} is {envelope['data']['status']}")
            continue
        if kind not in ("data_change", "catchup", "gap") or "epoch" not in envelope:
            # A request for catch-up is for the vessel; other types may come with a later version.
            continue
        stream = streams.setdefault((vessel, envelope["epoch"], entity), Stream())
        if kind == "gap":
            stream.lost |= numbers(envelope["data"]["ranges"]) - stream.handled
            print(f"{vessel} {entity}: {len(stream.lost)} lost for good")
            continue
        # After a cut the same message may come twice.
        if envelope["messageId"] in seen:
            continue
        seen.add(envelope["messageId"])
        # The state of an entity, sent again in place of changes that are no longer kept, has none.
        if "sequence" in envelope:
            stream.handled.add(envelope["sequence"])
            stream.lost.discard(envelope["sequence"])
        key = envelope.get("key", "-")
        print(f"{vessel} {entity} {key}: {envelope['operation']} {json.dumps(envelope.get('data'), ensure_ascii=False)}")
        sys.stdout.flush()
    for (vessel, epoch, entity), stream in sorted(streams.items(), key=str):
        print(
            f"{vessel} {entity} epoch {epoch}: handled {len(stream.handled)}, lost {len(stream.lost)}, missing {stream.missing}"
        )


if __name__ == "__main__":
    main()
