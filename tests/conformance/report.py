"""The report: tables for a terminal, Markdown for the documents, and one row's difference side by side."""

import json
import shutil
import textwrap

from engine_rows import LEVELS, brief
from values import opened_all

FEATURE_NAMES = {
    "intrinsic": "intrinsic functions", "Map:DISTRIBUTED": "distributed Map",
}


def key(row):
    return row.id + str(row.number)


def groups(suite):
    """Feature -> its rows; a row counts under each feature that it uses."""
    found = {"all JSONPath rows": suite.path_rows, "needing an interpreter alone": [row for row in suite.path_rows if row.pure]}
    names = {}
    for row in suite.path_rows:
        for feature in row.features:
            names.setdefault(FEATURE_NAMES.get(feature, feature.replace(":", " ", 1)), []).append(row)
    found.update({name: names[name] for name in sorted(names, key=lambda one: (one.split(" ")[0] not in ("state", "field"), one))})
    return found


def counts(rows, outcome):
    return [sum(outcome.execution[key(row)].levels[level] for row in rows) for level in range(len(LEVELS))]


def as_recorded(suite, outcome):
    return sum(outcome.execution[key(row)].as_recorded for row in suite.path_rows)


def dated(suite):
    """The rows whose recording is older than a change of the service."""
    return sum(row.recorded is not None and row.recorded != row.events for row in suite.path_rows)


def call_lines(suite):
    """The other tables' lines: name, kind of rows, the rows, what is counted."""
    lines = [("Choice operators: the branch taken", "choice", suite.choice, None),
             ("ValidateStateMachineDefinition: the verdict", "validate", suite.validate, 0),
             ("ValidateStateMachineDefinition: whole", "validate", suite.validate, 1)]
    refused = [row for row in suite.createfail if row.group == "interpreter"]
    lines += [("refused creations: the code", "createfail", refused, 0), ("refused creations: the message", "createfail", refused, 1),
              ("refused creations that need AWS's list of integrations", "createfail", [row for row in suite.createfail if row.group == "models"], 1)]
    names = {"interpreter": "TestState: needs an interpreter alone", "models": "TestState: needs AWS's service models",
             "service": "TestState: needs a service", "jsonata": "TestState: in JSONata (next issue)"}
    for group, name in names.items():
        lines.append((name, "teststate", [row for row in suite.teststate if row.group == group], 1))
    return [line for line in lines if line[2]]


def right(outcome, kind, rows, level):
    results = [getattr(outcome, kind)[key(row)] for row in rows]
    return sum(one.good if level is None else one.levels[level] for one in results)


def ratio(part, whole):
    return f"{part}/{whole}"


def table(suite, outcomes):
    out = []
    width = 44
    for outcome in outcomes:
        out.append(f"{outcome.version}: {outcome.seconds:.0f} s")
    out.append("")
    head = "".join(f"{level:>17}" for level in LEVELS)
    for outcome in outcomes:
        out.append(f"{outcome.name:<{width}} rows{head}")
        for name, rows in groups(suite).items():
            if rows:
                out.append(f"{name:<{width}}{len(rows):5}" + "".join(f"{count:17}" for count in counts(rows, outcome)))
        out.append(f"whole events to the letter of the {dated(suite)} recordings older than a change of the service, too: {as_recorded(suite, outcome)}")
        out.append("")
    out.append(f"{'the other recordings':<{width + 16}} rows" + "".join(f"{outcome.name:>12}" for outcome in outcomes))
    for name, kind, rows, level in call_lines(suite):
        out.append(f"{name:<{width + 16}}{len(rows):5}" + "".join(f"{right(outcome, kind, rows, level):12}" for outcome in outcomes))
    later = len(suite.execution) - len(suite.path_rows)
    out.append(f"\nnot counted: {later} executions in JSONata (next issue)")
    return "\n".join(out)


def failing(suite, outcome):
    """Every failing row with its first difference, by the first level that fails."""
    out = []
    for level, name in enumerate(LEVELS):
        rows = [row for row in suite.path_rows if not outcome.execution[key(row)].levels[level]]
        rows = [row for row in rows if all(outcome.execution[key(row)].levels[:level])]
        if rows:
            out.append(f"\nfails first at level {level + 1} ({name}): {len(rows)}")
            out += [f"  {row.name}\n      {outcome.execution[key(row)].first()}" for row in rows]
    for kind in ("choice", "validate", "createfail", "teststate"):
        rows = [row for row in getattr(suite, kind) if not getattr(outcome, kind)[key(row)].good and getattr(row, "group", "") not in ("client", "jsonata")]
        if rows:
            out.append(f"\n{kind}: {len(rows)}")
            out += [f"  {row.name} ({getattr(row, 'group', row.operator if kind == 'choice' else '')})\n      {getattr(outcome, kind)[key(row)].first()}" for row in rows]
    return "\n".join(out)


def pretty(event):
    """An event as lines: its numbers and type first, then what it says."""
    if event is None:
        return []
    head = f"{event.get('id')} <- {event.get('previousEventId')}  {event.get('type')}"
    details = next((value for name, value in event.items() if name.endswith("EventDetails")), None)
    lines = [head]
    for name, value in sorted((opened_all(details) or {}).items()):
        if name in ("inputDetails", "outputDetails") and value == {"truncated": False}:
            continue
        lines.append(f"    {name}: {json.dumps(value, sort_keys=True)}")
    return lines


def wrapped(lines, width):
    out = []
    for line in lines:
        out += textwrap.wrap(line, width, subsequent_indent="        ", break_on_hyphens=False) or [""]
    return out


def side_by_side(left, right_lines, mark):
    width = max(50, (shutil.get_terminal_size((180, 50)).columns - 7) // 2)
    left, right_lines = wrapped(left, width), wrapped(right_lines, width)
    for number in range(max(len(left), len(right_lines))):
        one = left[number] if number < len(left) else ""
        other = right_lines[number] if number < len(right_lines) else ""
        print(f"{mark if number == 0 else ' '} {one:<{width}} | {other}")


def details_of_execution(row, result):
    print("\n" + "=" * 100)
    print(row.id)
    print("definition: " + json.dumps(row.definition))
    print("input:      " + json.dumps(row.input))
    if row.mocked_responses():
        print("mocked:     " + json.dumps(row.mocked_responses())[:2000])
    print("levels:     " + ", ".join(f"{name} {'ok' if good else 'WRONG'}" for name, good in zip(LEVELS, result.levels)))
    for level, path, expected, actual in result.faults[:40]:
        print(f"  {LEVELS[level]}: {path}\n      expected {brief(expected, 600)}\n      was      {brief(actual, 600)}")
    if row.events and result.events and not result.levels[4]:
        print(f"\n  {'recorded':<{max(50, (shutil.get_terminal_size((180, 50)).columns - 7) // 2)}} | now")
        wrong = {path.split()[1] for level, path, *_ in result.faults if path.startswith("event ")}
        for number in range(max(len(row.events), len(result.events))):
            expected = row.events[number] if number < len(row.events) else None
            actual = result.events[number] if number < len(result.events) else None
            side_by_side(pretty(expected), pretty(actual), "*" if str(number + 1) in wrong or not expected or not actual else " ")


def details(suite, outcome):
    for row in suite.path_rows:
        details_of_execution(row, outcome.execution[key(row)])
    for kind in ("choice", "validate", "createfail", "teststate"):
        for row in getattr(suite, kind):
            result = getattr(outcome, kind)[key(row)]
            print("\n" + "=" * 100 + f"\n{row.id}\n{'right' if result.good else 'WRONG'} {getattr(row, 'group', '')}")
            if result.good:
                continue
            if kind == "choice":
                print(f"definition: {json.dumps(row.definition)}\n  {result.first()}")
                continue
            print("request:  " + json.dumps(row.request))
            print("recorded: " + json.dumps(row.response))
            for path, expected, actual in result.faults:
                print(f"  {path}\n      expected {brief(expected, 600)}\n      was      {brief(actual, 600)}")
    later = [row for row in suite.execution if row.jsonata]
    if later:
        print(f"\n{len(later)} rows in JSONata (next issue) were not run")


def document(suite, outcomes):
    """docs/conformance.md: no dates, so that the same result is the same file."""
    out = ["# Conformance", "",
           "Made by `make conformance`; do not edit. Recordings of AWS Step Functions, run against tidemill and against moto's server in the same way and",
           "judged at five levels: the final status; the output, or the error; the cause; the sequence of event types; every event whole. A recording's",
           "placeholders match what they stand for, all else has to be equal. Answers of services that the machine is without are mocked, for tidemill, from",
           "the recording itself (a mock file in the format of Step Functions Local); moto has no such file, so those rows are for its own services to answer.", ""]
    out += ["Versions: " + ", ".join(outcome.version for outcome in outcomes) + ".", "", "## Executions in JSONPath", ""]
    head = "| feature | rows |" + "".join(f" {outcome.name}: {level} |" for outcome in outcomes for level in LEVELS)
    out += [head, "|---|---:|" + "---:|" * (len(LEVELS) * len(outcomes))]
    for name, rows in groups(suite).items():
        cells = "".join(f" {count} |" for outcome in outcomes for count in counts(rows, outcome))
        out.append(f"| {name} | {len(rows)} |{cells}")
    later = len(suite.execution) - len(suite.path_rows)
    out += ["", f"{dated(suite)} recordings are older than a change of the service that later recordings show (`tests/conformance/ages.py` names them); the last",
            "column has them brought up to date. To the letter of each, events whole: "
            + ", ".join(f"{as_recorded(suite, outcome)} ({outcome.name})" for outcome in outcomes) + "."]
    out += ["", f"Apart from these: {later} executions in JSONata, refused at creation until the next issue.", "", "## The other recordings", "",
            "| what | rows |" + "".join(f" {outcome.name} |" for outcome in outcomes), "|---|---:|" + "---:|" * len(outcomes)]
    for name, kind, rows, level in call_lines(suite):
        out.append(f"| {name} | {len(rows)} |" + "".join(f" {right(outcome, kind, rows, level)} |" for outcome in outcomes))
    out += ["", "## What tidemill does not get right", ""]
    text = failing(suite, outcomes[0]).strip("\n")
    out += ["```", *(line[:220] for line in text.split("\n")), "```"] if text else ["Nothing of what is counted."]
    return "\n".join(out) + "\n"
