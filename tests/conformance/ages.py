"""The recordings are of three years, and the service changed meanwhile. Where two recordings contradict each other by their date alone, the older
one is brought to what the newer shows; the report counts both ways, as recorded and brought up to date.

- Since late 2023 (redriving) the context object has Execution.RedriveCount.
- Since autumn 2024 a distributed Map's MapStateExited points back to MapRunStarted; before, to MapRunSucceeded.
"""

import copy
import datetime

REDRIVE = datetime.date(2023, 11, 15)
MAP_EXIT = datetime.date(2024, 8, 1)


def with_redrive_count(value):
    if isinstance(value, dict):
        out = {key: with_redrive_count(one) for key, one in value.items()}
        execution = out.get("Execution")
        if isinstance(execution, dict) and {"Id", "StartTime", "RoleArn"} <= set(execution):
            execution.setdefault("RedriveCount", 0)
        return out
    if isinstance(value, list):
        return [with_redrive_count(one) for one in value]
    return value


def with_map_exits(events):
    run_started, run_succeeded = None, None
    for event in events:
        if event["type"] == "MapRunStarted":
            run_started = event["id"]
        elif event["type"] == "MapRunSucceeded":
            run_succeeded = event["id"]
        elif event["type"] == "MapStateExited" and run_succeeded is not None and event["previousEventId"] == run_succeeded:
            event["previousEventId"] = run_started
    return events


def up_to_date(recorded, events):
    """The events of a recording of that day ("DD-MM-YYYY, HH:MM:SS") as the service would have them since its last change."""
    day = datetime.datetime.strptime(recorded.split(",")[0], "%d-%m-%Y").date()
    events = copy.deepcopy(events)
    if day < REDRIVE:
        events = with_redrive_count(events)
    if day < MAP_EXIT:
        events = with_map_exits(events)
    return events
