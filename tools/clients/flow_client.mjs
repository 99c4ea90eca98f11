// The JavaScript SDK against a server: reads where it is and what to create, prints what it heard as JSON.
import { readFileSync } from "node:fs";
import * as timer from "@aws-sdk/client-scheduler";
import * as sdk from "@aws-sdk/client-sfn";

const given = JSON.parse(readFileSync(0, "utf8"));
const client = new sdk.SFNClient({
  endpoint: given.endpoint,
  region: given.region,
  credentials: { accessKeyId: given.key, secretAccessKey: given.secret },
  disableHostPrefix: true,
  maxAttempts: 1,
});
const call = (operation, request) => client.send(new sdk[`${operation}Command`](request));
const create = (name, definition, more = {}) => call("CreateStateMachine", { name, definition, roleArn: given.role, ...more });
const ended = async (executionArn) => {
  for (;;) {
    const described = await call("DescribeExecution", { executionArn });
    if (described.status !== "RUNNING") return described;
    await new Promise((next) => setTimeout(next, 10));
  }
};
const errorOf = (promise) => promise.then(() => "none", (error) => error.name);
const heard = {};

const { stateMachineArn, creationDate } = await create("js", given.definition, { publish: true });
const described = await call("DescribeStateMachine", { stateMachineArn });
heard.described = { status: described.status, created: described.creationDate.getTime() === creationDate.getTime() };

const { executionArn, startDate } = await call("StartExecution", { stateMachineArn, name: "js-1", input: "{}" });
const done = await ended(executionArn);
heard.execution = { status: done.status, output: done.output, dates: done.stopDate >= startDate };
const history = [];
for await (const page of sdk.paginateGetExecutionHistory({ client, pageSize: 3 }, { executionArn })) history.push(...page.events);
heard.events = history.map((event) => event.type);
heard.reversed = (await call("GetExecutionHistory", { executionArn, reverseOrder: true })).events.map((event) => event.id);

const waiting = (await create("js-waiting", given.waiting)).stateMachineArn;
const one = (await call("StartExecution", { stateMachineArn: waiting, name: "js-waiting-1" })).executionArn;
await call("StopExecution", { executionArn: one, error: "E", cause: "c" });
const stopped = await call("DescribeExecution", { executionArn: one });
heard.stopped = { status: stopped.status, error: stopped.error };
heard.listed = (await call("ListExecutions", { stateMachineArn: waiting })).executions.map((row) => row.name);

const express = (await create("js-express", given.failing, { type: "EXPRESS" })).stateMachineArn;
const sync = await call("StartSyncExecution", { stateMachineArn: express, input: '{"good":true}' });
heard.sync = { status: sync.status, output: JSON.parse(sync.output) };

const versions = (await call("ListStateMachineVersions", { stateMachineArn })).stateMachineVersions;
heard.version = versions.length;
const routingConfiguration = [{ stateMachineVersionArn: versions[0].stateMachineVersionArn, weight: 100 }];
heard.alias = (await call("CreateStateMachineAlias", { name: "live", routingConfiguration })).stateMachineAliasArn.split(":").pop();

const { activityArn } = await call("CreateActivity", { name: "js-activity" });
const working = await create("js-working", JSON.stringify({ StartAt: "W", States: { W: { Type: "Task", Resource: activityArn, End: true } } }));
const work = await call("StartExecution", { stateMachineArn: working.stateMachineArn, input: '{"n":1}' });
const task = await call("GetActivityTask", { activityArn, workerName: "js" });
await call("SendTaskSuccess", { taskToken: task.taskToken, output: '{"n":2}' });
heard.activity = { input: JSON.parse(task.input), output: JSON.parse((await ended(work.executionArn)).output) };

await call("TagResource", { resourceArn: stateMachineArn, tags: [{ key: "k", value: "v" }] });
const { tags } = await call("ListTagsForResource", { resourceArn: stateMachineArn });
heard.tags = Object.fromEntries(tags.map((tag) => [tag.key, tag.value]));

const schedules = new timer.SchedulerClient({
  endpoint: given.endpoint,
  region: given.region,
  credentials: { accessKeyId: given.key, secretAccessKey: given.secret },
  maxAttempts: 1,
});
await schedules.send(
  new timer.CreateScheduleCommand({
    Name: "js-schedule",
    ScheduleExpression: "rate(1 day)",
    FlexibleTimeWindow: { Mode: "OFF" },
    Target: { Arn: stateMachineArn, RoleArn: given.role },
  }),
);
heard.schedule = (await schedules.send(new timer.GetScheduleCommand({ Name: "js-schedule" }))).ScheduleExpression;

heard.errors = [
  await errorOf(call("DescribeStateMachine", { stateMachineArn: `${stateMachineArn}-missing` })),
  await errorOf(create("js-broken", "{}")),
  await errorOf(call("StartExecution", { stateMachineArn, name: "js-1", input: '{"other":1}' })),
];
console.log(JSON.stringify(heard));
