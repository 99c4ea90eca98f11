#!/usr/bin/env python3
"""The clients that people have, unchanged, against `tidemill serve`: boto3, AWS CLI v2, the JavaScript SDK. Signed, with a configured key."""

import datetime
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import flow_server as flow  # noqa: E402

flow.in_environment_with_boto3(os.path.abspath(__file__))

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

import pipeline  # noqa: E402

AWS = "/usr/bin/aws"
server = None


def client(key=flow.KEY, secret=flow.SECRET):
    # A synchronous execution goes to the host "sync-...": an address has no such name.
    config = Config(inject_host_prefix=False, retries={"max_attempts": 0}, read_timeout=120)
    return boto3.client("stepfunctions", endpoint_url=server.url, region_name=flow.REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret, config=config)


def refused(code, function, **request):
    try:
        function(**request)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def ended(sfn, execution):
    """Describes until it has ended; a client of this API has no other way."""
    while True:
        described = sfn.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        threading.Event().wait(0.01)


def test_boto3_an_execution_from_start_to_end():
    sfn = client()
    created = sfn.create_state_machine(name="hello", definition=flow.PASS, roleArn=flow.ROLE, tags=[{"key": "team", "value": "tide"}])
    arn = created["stateMachineArn"]
    assert arn.endswith(":stateMachine:hello") and created["creationDate"].year >= 2024
    again = sfn.create_state_machine(name="hello", definition=flow.PASS, roleArn=flow.ROLE, tags=[{"key": "team", "value": "tide"}])
    assert again["stateMachineArn"] == arn and again["creationDate"] == created["creationDate"]
    refused("StateMachineAlreadyExists", sfn.create_state_machine, name="hello", definition=flow.WAITING, roleArn=flow.ROLE)
    described = sfn.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["status"], described["type"], described["roleArn"]) == (flow.PASS, "ACTIVE", "STANDARD", flow.ROLE)
    started = sfn.start_execution(stateMachineArn=arn, name="one", input='{"x": 1}')
    assert started["executionArn"].endswith(":execution:hello:one")
    done = ended(sfn, started["executionArn"])
    assert (done["status"], json.loads(done["output"]), json.loads(done["input"])) == ("SUCCEEDED", {"word": "hello"}, {"x": 1})
    assert done["stopDate"] >= done["startDate"] and done["inputDetails"]["included"] and done["outputDetails"]["included"]
    message = refused("ExecutionAlreadyExists", sfn.start_execution, stateMachineArn=arn, name="one", input='{"x": 2}')
    assert message == f"Execution Already Exists: '{started['executionArn']}'", message
    events = sfn.get_execution_history(executionArn=started["executionArn"])["events"]
    assert [event["type"] for event in events] == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert [event["id"] for event in events] == [1, 2, 3, 4]
    without = sfn.get_execution_history(executionArn=started["executionArn"], includeExecutionData=False)["events"]
    assert "input" not in without[0]["executionStartedEventDetails"]


def test_boto3_history_pages_and_reverse_order():
    sfn = client()
    arn = sfn.create_state_machine(name="pages", definition=flow.PASS, roleArn=flow.ROLE)["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]
    ended(sfn, execution)
    for reverse, wanted in ((False, [1, 2, 3, 4]), (True, [4, 3, 2, 1])):
        pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution, reverseOrder=reverse, PaginationConfig={"PageSize": 3})
        sizes = [[event["id"] for event in page["events"]] for page in pages]
        assert sum(sizes, []) == wanted and len(sizes) == 2, sizes
    refused("InvalidToken", sfn.get_execution_history, executionArn=execution, nextToken="no such token")


def test_boto3_lists_stop_and_redrive():
    sfn = client()
    arn = sfn.create_state_machine(name="waiting", definition=flow.WAITING, roleArn=flow.ROLE)["stateMachineArn"]
    names = [f"w{number}" for number in range(7)]
    for name in names:
        sfn.start_execution(stateMachineArn=arn, name=name)
    pages = list(sfn.get_paginator("list_executions").paginate(stateMachineArn=arn, statusFilter="RUNNING", PaginationConfig={"PageSize": 3}))
    listed = [row["name"] for page in pages for row in page["executions"]]
    assert sorted(listed) == names and len(pages) == 3, listed
    one = f"{arn.replace(':stateMachine:', ':execution:')}:w3"
    stopped = sfn.stop_execution(executionArn=one, error="Enough", cause="of waiting")
    assert stopped["stopDate"].year >= 2024
    done = sfn.describe_execution(executionArn=one)
    assert (done["status"], done["error"], done["cause"]) == ("ABORTED", "Enough", "of waiting")
    assert [row["name"] for row in sfn.list_executions(stateMachineArn=arn, statusFilter="ABORTED")["executions"]] == ["w3"]
    assert sfn.redrive_execution(executionArn=one)["redriveDate"] >= stopped["stopDate"]
    back = sfn.describe_execution(executionArn=one)
    assert (back["status"], back["redriveCount"]) == ("RUNNING", 1)
    types = [event["type"] for event in sfn.get_execution_history(executionArn=one)["events"]]
    assert types[2:4] == ["ExecutionAborted", "ExecutionRedriven"], types
    for name in names:
        sfn.stop_execution(executionArn=f"{arn.replace(':stateMachine:', ':execution:')}:{name}")
    machines = [row["name"] for page in sfn.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 1}) for row in page["stateMachines"]]
    assert "waiting" in machines and len(machines) == len(set(machines))


def test_boto3_versions_and_aliases():
    sfn = client()
    arn = sfn.create_state_machine(name="versions", definition=flow.PASS, roleArn=flow.ROLE, publish=True)
    first = arn["stateMachineVersionArn"]
    arn = arn["stateMachineArn"]
    assert first == arn + ":1"
    changed = flow.PASS.replace('"hello"', '"bye"')
    updated = sfn.update_state_machine(stateMachineArn=arn, definition=changed)
    assert updated["revisionId"]
    second = sfn.publish_state_machine_version(stateMachineArn=arn, description="the second")["stateMachineVersionArn"]
    assert second == arn + ":2"
    assert sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == second
    assert [row["stateMachineVersionArn"] for row in sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]] == [second, first]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])["stateMachineAliasArn"]
    assert alias == arn + ":live"
    words = {json.loads(ended(sfn, sfn.start_execution(stateMachineArn=one)["executionArn"])["output"])["word"]: one for one in (alias, second, arn)}
    assert set(words) == {"hello", "bye"}
    done = ended(sfn, sfn.start_execution(stateMachineArn=alias)["executionArn"])
    assert (done["stateMachineAliasArn"], done["stateMachineVersionArn"]) == (alias, first)
    sfn.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": second, "weight": 50},
                                                                                  {"stateMachineVersionArn": first, "weight": 50}])
    routed = {json.loads(ended(sfn, sfn.start_execution(stateMachineArn=alias)["executionArn"])["output"])["word"] for _ in range(40)}
    assert routed == {"hello", "bye"}
    refused("ConflictException", sfn.delete_state_machine_version, stateMachineVersionArn=second)
    assert [row["stateMachineAliasArn"] for row in sfn.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]] == [alias]
    sfn.delete_state_machine_alias(stateMachineAliasArn=alias)
    sfn.delete_state_machine_version(stateMachineVersionArn=second)
    refused("ResourceNotFound", sfn.describe_state_machine_alias, stateMachineAliasArn=alias)


def test_boto3_an_activity_and_its_worker():
    sfn = client()
    activity = sfn.create_activity(name="dig")["activityArn"]
    assert sfn.create_activity(name="dig")["activityArn"] == activity
    assert "dig" in [row["name"] for row in sfn.list_activities()["activities"]]
    arn = sfn.create_state_machine(name="digging", definition=flow.activity_machine(activity), roleArn=flow.ROLE)["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=arn, input='{"deep": true}')["executionArn"]
    task = sfn.get_activity_task(activityArn=activity, workerName="spade")
    assert json.loads(task["input"]) == {"deep": True}
    sfn.send_task_heartbeat(taskToken=task["taskToken"])
    refused("InvalidOutput", sfn.send_task_success, taskToken=task["taskToken"], output="not JSON")
    sfn.send_task_success(taskToken=task["taskToken"], output='{"found": 3}')
    assert json.loads(ended(sfn, execution)["output"]) == {"found": 3}
    refused("TaskTimedOut", sfn.send_task_success, taskToken=task["taskToken"], output="{}")
    refused("InvalidToken", sfn.send_task_heartbeat, taskToken="no token of ours")
    execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]
    task = sfn.get_activity_task(activityArn=activity)
    sfn.send_task_failure(taskToken=task["taskToken"], error="Rock", cause="too hard")
    done = ended(sfn, execution)
    assert (done["status"], done["error"], done["cause"]) == ("FAILED", "Rock", "too hard")
    # A worker that waits gets the task that comes.
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(client().get_activity_task(activityArn=activity)))
    waiting.start()
    sfn.start_execution(stateMachineArn=arn, input="[7]")
    waiting.join(timeout=70)
    assert taken and taken[0]["input"] == "[7]"
    sfn.send_task_success(taskToken=taken[0]["taskToken"], output="1")
    sfn.delete_activity(activityArn=activity)
    refused("ActivityDoesNotExist", sfn.describe_activity, activityArn=activity)


def test_boto3_tags():
    sfn = client()
    arn = sfn.create_state_machine(name="tagged", definition=flow.PASS, roleArn=flow.ROLE, tags=[{"key": "a", "value": "1"}])["stateMachineArn"]
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
    assert {tag["key"]: tag["value"] for tag in sfn.list_tags_for_resource(resourceArn=arn)["tags"]} == {"a": "3", "b": "2"}
    sfn.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    refused("ResourceNotFound", sfn.list_tags_for_resource, resourceArn=arn + "-no")


def test_boto3_express():
    sfn = client()
    arn = sfn.create_state_machine(name="quick", definition=flow.FAILING, roleArn=flow.ROLE, type="EXPRESS")["stateMachineArn"]
    good = sfn.start_sync_execution(stateMachineArn=arn, input='{"good": true}')
    assert (good["status"], json.loads(good["output"])) == ("SUCCEEDED", {"good": True})
    assert good["billingDetails"]["billedMemoryUsedInMB"] > 0
    bad = sfn.start_sync_execution(stateMachineArn=arn, input='{"good": false}')
    assert (bad["status"], bad["error"], bad["cause"]) == ("FAILED", "Bad", "it was not good")
    assert ":express:quick:" in sfn.start_execution(stateMachineArn=arn, input='{"good": true}')["executionArn"]
    standard = sfn.create_state_machine(name="slow", definition=flow.PASS, roleArn=flow.ROLE)["stateMachineArn"]
    refused("StateMachineTypeNotSupported", sfn.start_sync_execution, stateMachineArn=standard)


def test_boto3_checks():
    sfn = client()
    assert sfn.validate_state_machine_definition(definition=flow.PASS)["result"] == "OK"
    bad = sfn.validate_state_machine_definition(definition='{"States": {"A": {"Type": "Pass", "End": true}}}')
    assert (bad["result"], bad["diagnostics"][0]["code"]) == ("FAIL", "SCHEMA_VALIDATION_FAILED")
    tested = sfn.test_state(definition='{"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.r", "Next": "B"}', input='{"x": 2}',
                            inspectionLevel="DEBUG", roleArn=flow.ROLE)
    assert (tested["status"], tested["nextState"], json.loads(tested["output"])) == ("SUCCEEDED", "B", {"x": 2, "r": {"a": 1}})
    refused("InvalidDefinition", sfn.create_state_machine, name="broken", definition='{"StartAt": "A"}', roleArn=flow.ROLE)
    refused("InvalidArn", sfn.describe_state_machine, stateMachineArn="not an arn")
    missing = f"arn:aws:states:{flow.REGION}:123456789012:stateMachine:missing"
    refused("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=missing)
    arn = sfn.create_state_machine(name="gone", definition=flow.PASS, roleArn=flow.ROLE)["stateMachineArn"]
    refused("InvalidExecutionInput", sfn.start_execution, stateMachineArn=arn, input="not JSON")
    sfn.delete_state_machine(stateMachineArn=arn)
    refused("StateMachineDoesNotExist", sfn.start_execution, stateMachineArn=arn)


def scheduler():
    return boto3.client("scheduler", endpoint_url=server.url, region_name=flow.REGION, aws_access_key_id=flow.KEY, aws_secret_access_key=flow.SECRET,
                        config=Config(retries={"max_attempts": 0}))


def test_boto3_a_schedule_starts_an_execution():
    sfn, timer = client(), scheduler()
    arn = sfn.create_state_machine(name="scheduled", definition=flow.PASS, roleArn=flow.ROLE)["stateMachineArn"]
    target = {"Arn": arn, "RoleArn": flow.ROLE, "Input": '{"by": "the clock"}'}
    once = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    made = timer.create_schedule(Name="soon", ScheduleExpression=once, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    assert made["ScheduleArn"].endswith(":schedule/default/soon")
    refused("ConflictException", timer.create_schedule, Name="soon", ScheduleExpression=once, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    started = []
    while not started:
        started = sfn.list_executions(stateMachineArn=arn)["executions"]
        threading.Event().wait(0.02)
    assert json.loads(ended(sfn, started[0]["executionArn"])["input"]) == {"by": "the clock"}


def test_boto3_schedules_and_groups():
    timer = scheduler()
    timer.create_schedule_group(Name="nightly")
    target = {"Arn": f"arn:aws:states:{flow.REGION}:123456789012:stateMachine:none", "RoleArn": flow.ROLE}
    for name, expression in (("a", "rate(1 hour)"), ("b", "cron(15 2 * * ? *)")):
        timer.create_schedule(Name=name, GroupName="nightly", ScheduleExpression=expression, ScheduleExpressionTimezone="Europe/Berlin",
                              FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}, Target=target, State="DISABLED")
    got = timer.get_schedule(Name="b", GroupName="nightly")
    assert (got["ScheduleExpression"], got["ScheduleExpressionTimezone"], got["State"]) == ("cron(15 2 * * ? *)", "Europe/Berlin", "DISABLED")
    assert sorted(row["Name"] for row in timer.list_schedules(GroupName="nightly")["Schedules"]) == ["a", "b"]
    timer.update_schedule(Name="a", GroupName="nightly", ScheduleExpression="rate(2 hours)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target,
                          State="DISABLED")
    assert timer.get_schedule(Name="a", GroupName="nightly")["ScheduleExpression"] == "rate(2 hours)"
    refused("ValidationException", timer.create_schedule, Name="c", ScheduleExpression="rate(0 hours)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    timer.delete_schedule(Name="a", GroupName="nightly")
    refused("ResourceNotFoundException", timer.get_schedule, Name="a", GroupName="nightly")
    assert {"default", "nightly"} <= {row["Name"] for row in timer.list_schedule_groups()["ScheduleGroups"]}
    timer.delete_schedule_group(Name="nightly")


def test_signatures():
    refused("UnrecognizedClientException", client(key="AKIDNOBODYKNOWSIT").list_state_machines)
    refused("InvalidSignatureException", client(secret=flow.OTHER_SECRET).list_state_machines)


def cli(*words, expect=0):
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": flow.KEY, "AWS_SECRET_ACCESS_KEY": flow.SECRET, "AWS_DEFAULT_REGION": flow.REGION,
                   "AWS_PAGER": "", "HOME": server.folder, "AWS_CONFIG_FILE": "/dev/null", "PYTHONPATH": "", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run([AWS, "--endpoint-url", server.url, "--output", "json", "stepfunctions", *words], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == expect, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else done.stderr


def test_aws_cli():
    version = subprocess.run([AWS, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert version.startswith("aws-cli/2."), version  # Debian 12's is older than versions and aliases: boto3 has those
    arn = cli("create-state-machine", "--name", "cli", "--definition", flow.PASS, "--role-arn", flow.ROLE)["stateMachineArn"]
    assert cli("describe-state-machine", "--state-machine-arn", arn)["status"] == "ACTIVE"
    execution = cli("start-execution", "--state-machine-arn", arn, "--name", "first", "--input", '{"from": "the shell"}')["executionArn"]
    ended(client(), execution)
    described = cli("describe-execution", "--execution-arn", execution)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"word": "hello"})
    history = cli("get-execution-history", "--execution-arn", execution, "--page-size", "2")
    assert [event["type"] for event in history["events"]][-1] == "ExecutionSucceeded" and len(history["events"]) == 4
    assert cli("get-execution-history", "--execution-arn", execution, "--reverse-order", "--max-items", "1")["events"][0]["id"] == 4
    assert [row["name"] for row in cli("list-executions", "--state-machine-arn", arn)["executions"]] == ["first"]
    assert "cli" in [row["name"] for row in cli("list-state-machines")["stateMachines"]]
    waiting = cli("create-state-machine", "--name", "cli-waiting", "--definition", flow.WAITING, "--role-arn", flow.ROLE)["stateMachineArn"]
    execution = cli("start-execution", "--state-machine-arn", waiting)["executionArn"]
    assert cli("stop-execution", "--execution-arn", execution, "--error", "E", "--cause", "c")["stopDate"]
    assert cli("describe-execution", "--execution-arn", execution)["status"] == "ABORTED"
    activity = cli("create-activity", "--name", "cli-work")["activityArn"]
    assert cli("describe-activity", "--activity-arn", activity)["name"] == "cli-work"
    cli("tag-resource", "--resource-arn", arn, "--tags", "key=k,value=v")
    assert cli("list-tags-for-resource", "--resource-arn", arn)["tags"] == [{"key": "k", "value": "v"}]
    message = cli("describe-execution", "--execution-arn", execution + "x", expect=254)
    assert "ExecutionDoesNotExist" in message, message
    cli("delete-state-machine", "--state-machine-arn", waiting)


def test_javascript_sdk():
    folder = os.path.join(flow.SOURCE, "tools", "clients")
    if not os.path.exists(os.path.join(folder, "node_modules", ".package-lock.json")):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    given = {"endpoint": server.url, "region": flow.REGION, "key": flow.KEY, "secret": flow.SECRET, "role": flow.ROLE, "definition": flow.PASS,
             "waiting": flow.WAITING, "failing": flow.FAILING}
    done = subprocess.run(["node", os.path.join(folder, "flow_client.mjs")], input=json.dumps(given), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["described"] == {"status": "ACTIVE", "created": True}
    assert heard["execution"] == {"status": "SUCCEEDED", "output": '{"word":"hello"}', "dates": True}
    assert heard["events"] == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert heard["reversed"] == [4, 3, 2, 1]
    assert heard["stopped"] == {"status": "ABORTED", "error": "E"}
    assert heard["listed"] == ["js-waiting-1"]
    assert heard["sync"] == {"status": "SUCCEEDED", "output": {"good": True}}
    assert heard["version"] == 1 and heard["alias"] == "live"
    assert heard["activity"] == {"input": {"n": 1}, "output": {"n": 2}}
    assert heard["tags"] == {"k": "v"}
    assert heard["schedule"] == "rate(1 day)"
    assert heard["errors"] == ["StateMachineDoesNotExist", "InvalidDefinition", "ExecutionAlreadyExists"]


def main():
    global server
    pipeline.need(AWS, "node", "npm")
    with flow.signed_server() as server:
        try:
            pipeline.run_tests(sys.modules[__name__])
        except SystemExit as result:
            if result.code:
                print(server.told())
            status = server.close()
            if status:
                print(f"the server ended with {status}")
            sys.exit(result.code or (1 if status else 0))


if __name__ == "__main__":
    main()
