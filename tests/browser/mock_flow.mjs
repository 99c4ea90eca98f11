// The console and its API over the made-up world of support/flow_world.mjs, as the program serves them. Part of mock_server.mjs.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execution_arn, machine_arn } from './support/flow_world.mjs';

const CONSOLE = join(dirname(fileURLToPath(import.meta.url)), '../../console');
const POLICY = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const PAGE_MOST = 1000;

class Refused extends Error {
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

const ended_type = { ExecutionSucceeded: 'SUCCEEDED', ExecutionFailed: 'FAILED', ExecutionAborted: 'ABORTED', ExecutionTimedOut: 'TIMED_OUT' };
const shown_of = (execution) => execution.events.slice(0, execution.shown);
const status_of = (execution) => ended_type[shown_of(execution).at(-1)?.type] ?? 'RUNNING';

function one_of(list, key, value, type) {
  const found = list.find((one) => one[key] === value);
  if (!found) throw new Refused(type, `there is no '${value}'`);
  return found;
}
const machine_of = (flow, arn) => one_of(flow.machines, 'arn', arn, 'StateMachineDoesNotExist');
const execution_of = (flow, arn) => one_of(flow.executions, 'arn', arn, 'ExecutionDoesNotExist');

// A piece of a list from the place that the token names.
function piece(list, body, most) {
  const from = Number(body.nextToken ?? 0);
  const size = Math.min(body.maxResults || most, most);
  const next = from + size < list.length ? { nextToken: String(from + size) } : {};
  return [list.slice(from, from + size), next];
}

function execution_row(flow, execution) {
  const status = status_of(execution);
  const last = shown_of(execution).at(-1);
  return {
    executionArn: execution.arn,
    stateMachineArn: machine_arn(execution.machine),
    name: execution.name,
    status,
    startDate: execution.started,
    ...(status === 'RUNNING' ? {} : { stopDate: execution.started + (last.timestamp - execution.events[0].timestamp) }),
  };
}

// What is wrong with a definition, as far as a stand-in knows.
function diagnose(definition) {
  let parsed;
  try {
    parsed = JSON.parse(definition);
  } catch (error) {
    const at = Number(/position (\d+)/.exec(error.message)?.[1] ?? 0);
    const before = definition.slice(0, at).split('\n');
    return [{ severity: 'ERROR', code: 'INVALID_JSON_DESCRIPTION', message: error.message, location: '/', line: before.length, column: before.at(-1).length + 1 }];
  }
  const found = [];
  for (const [name, state] of Object.entries(parsed.States ?? {})) {
    if (state.Next === undefined || Object.hasOwn(parsed.States, state.Next)) continue;
    const line = definition.slice(0, definition.indexOf(`"Next": "${state.Next}"`)).split('\n').length;
    found.push({ severity: 'ERROR', code: 'MISSING_TRANSITION_TARGET', message: `Missing 'Next' target: ${state.Next}`, location: `/States/${name}/Next`, line, column: 7 });
  }
  if (!parsed.StartAt) found.push({ severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: "The field 'StartAt' is required but was missing", location: '/', line: 1, column: 1 });
  return found;
}

const OPERATIONS = {
  ListStateMachines(flow, body) {
    const [part, next] = piece(flow.machines, body, 1000);
    return { stateMachines: part.map((one) => ({ stateMachineArn: one.arn, name: one.name, type: one.type, creationDate: one.created })), ...next };
  },
  DescribeStateMachine(flow, { stateMachineArn }) {
    const one = machine_of(flow, stateMachineArn);
    return { stateMachineArn, name: one.name, type: one.type, status: 'ACTIVE', definition: one.definition, creationDate: one.created, revisionId: 'c0ffee' };
  },
  CreateStateMachine(flow, { name, type, definition }) {
    if (!/^[\w-]{1,80}$/.test(name ?? '')) throw new Refused('InvalidName', `Invalid Name: '${name}'`);
    if (diagnose(definition).length) throw new Refused('InvalidDefinition', `Invalid State Machine Definition: '${diagnose(definition)[0].message}'`);
    flow.machines.push({ name, arn: machine_arn(name), type, definition, layout: flow.machines[2].layout, created: Date.now() / 1000, versions: [], aliases: [] });
    return { stateMachineArn: machine_arn(name), creationDate: Date.now() / 1000 };
  },
  UpdateStateMachine(flow, { stateMachineArn, definition }) {
    machine_of(flow, stateMachineArn).definition = definition;
    return { updateDate: Date.now() / 1000 };
  },
  DeleteStateMachine(flow, { stateMachineArn }) {
    flow.machines = flow.machines.filter((one) => one.arn !== stateMachineArn);
    return {};
  },
  ValidateStateMachineDefinition(_flow, { definition }) {
    const diagnostics = diagnose(definition);
    return { result: diagnostics.length ? 'FAIL' : 'OK', diagnostics, truncated: false };
  },
  DrawDefinition(flow, { definition }) {
    if (diagnose(definition).length) throw new Refused('InvalidDefinition', diagnose(definition)[0].message);
    const { StartAt } = JSON.parse(definition);
    const known = flow.machines.find((one) => JSON.parse(one.definition).StartAt === StartAt);
    return (known ?? flow.machines[2]).layout;
  },
  ListStateMachineVersions(flow, { stateMachineArn }) {
    const one = machine_of(flow, stateMachineArn);
    return { stateMachineVersions: one.versions.map((number) => ({ stateMachineVersionArn: `${one.arn}:${number}`, creationDate: one.created })) };
  },
  ListStateMachineAliases(flow, { stateMachineArn }) {
    const one = machine_of(flow, stateMachineArn);
    return { stateMachineAliases: one.aliases.map((name) => ({ stateMachineAliasArn: `${one.arn}:${name}`, creationDate: one.created })) };
  },
  ListExecutions(flow, body) {
    if (body.mapRunArn) {
      const rows = Array.from({ length: 120 }, (_, at) => ({ executionArn: `${execution_arn('many-items/EachItem', `child-${at}`)}`, name: `child-${at}`, status: at < 100 ? 'SUCCEEDED' : 'RUNNING', startDate: flow.executions[0].started, ...(at < 100 ? { stopDate: flow.executions[0].started + 2 } : {}) }));
      const [part, next] = piece(rows.filter((row) => !body.statusFilter || row.status === body.statusFilter), body, 1000);
      return { executions: part, ...next };
    }
    const machine = machine_of(flow, body.stateMachineArn);
    const rows = flow.executions.filter((one) => one.machine === machine.name && (!body.statusFilter || status_of(one) === body.statusFilter));
    const [part, next] = piece(rows, body, 1000);
    return { executions: part.map((one) => execution_row(flow, one)), ...next };
  },
  DescribeExecution(flow, { executionArn }) {
    const one = execution_of(flow, executionArn);
    const row = execution_row(flow, one);
    const last = shown_of(one).at(-1);
    const end = last?.executionFailedEventDetails ?? last?.executionSucceededEventDetails ?? last?.executionAbortedEventDetails ?? {};
    return { ...row, input: one.input, redriveCount: one.redrives, redriveStatus: row.status === 'FAILED' || row.status === 'ABORTED' ? 'REDRIVABLE' : 'NOT_REDRIVABLE', ...end };
  },
  DescribeStateMachineForExecution(flow, { executionArn }) {
    const machine = machine_of(flow, machine_arn(execution_of(flow, executionArn).machine));
    return { stateMachineArn: machine.arn, name: machine.name, definition: machine.definition };
  },
  GetExecutionHistory(flow, body) {
    const [part, next] = piece(shown_of(execution_of(flow, body.executionArn)), body, PAGE_MOST);
    const strip = (event) => JSON.parse(JSON.stringify(event, (key, value) => (['input', 'output', 'parameters'].includes(key) ? undefined : value)));
    return { events: body.includeExecutionData === false ? part.map(strip) : part, ...next };
  },
  StartExecution(flow, { stateMachineArn, name, input }) {
    const machine = machine_of(flow, stateMachineArn);
    const like = flow.executions.find((one) => one.machine === machine.name);
    const events = like ? like.events : [];
    flow.executions.unshift({ arn: execution_arn(machine.name, name), name, machine: machine.name, events, shown: 2, input, started: Date.now() / 1000, redrives: 0 });
    return { executionArn: execution_arn(machine.name, name), startDate: Date.now() / 1000 };
  },
  StopExecution(flow, { executionArn, error, cause }) {
    const one = execution_of(flow, executionArn);
    one.events = shown_of(one);
    one.events.push({ id: one.events.length + 1, previousEventId: 0, timestamp: one.events.at(-1).timestamp + 1, type: 'ExecutionAborted', executionAbortedEventDetails: { error, cause } });
    one.shown = one.events.length;
    return { stopDate: Date.now() / 1000 };
  },
  RedriveExecution(flow, { executionArn }) {
    const one = execution_of(flow, executionArn);
    const failed = one.events.findLast((event) => event.type === 'TaskFailed');
    const put = (type, previousEventId, key, details) => one.events.push({ id: one.events.length + 1, previousEventId, timestamp: one.events.at(-1).timestamp + 1, type, ...(key ? { [`${key}EventDetails`]: details } : {}) });
    one.redrives += 1;
    put('ExecutionRedriven', one.events.length, 'executionRedriven', { redriveCount: one.redrives });
    put('TaskScheduled', failed.previousEventId, 'taskScheduled', { resourceType: 'tidemill', resource: 'podcast.index', parameters: '{}' });
    put('TaskStarted', one.events.length, 'taskStarted', { resourceType: 'tidemill', resource: 'podcast.index' });
    one.shown = one.events.length;
    return { redriveDate: Date.now() / 1000 };
  },
  ListMapRuns: (flow, { executionArn }) => ({ mapRuns: executionArn.endsWith(':spread') ? [{ mapRunArn: flow.run, executionArn, startDate: flow.executions[0].started }] : [] }),
  DescribeMapRun: (flow, { mapRunArn }) => ({
    mapRunArn,
    executionArn: execution_arn('many-items', 'spread'),
    status: 'RUNNING',
    startDate: flow.executions[0].started,
    maxConcurrency: 40,
    toleratedFailureCount: 0,
    toleratedFailurePercentage: 5,
    itemCounts: { pending: 380, running: 20, succeeded: 100, failed: 0, timedOut: 0, aborted: 0, total: 500, resultsWritten: 0 },
    executionCounts: { pending: 380, running: 20, succeeded: 100, failed: 0, timedOut: 0, aborted: 0, total: 500, resultsWritten: 0 },
  }),
  ListActivities: (flow, body) => {
    const [activities, next] = piece(flow.activities, body, 1000);
    return { activities, ...next };
  },
  CreateActivity(flow, { name }) {
    if (!name) throw new Refused('InvalidName', "Invalid Name: ''");
    flow.activities.push({ name, activityArn: `arn:aws:states:us-east-1:000000000000:activity:${name}`, creationDate: Date.now() / 1000 });
    return {};
  },
  DeleteActivity(flow, { activityArn }) {
    flow.activities = flow.activities.filter((one) => one.activityArn !== activityArn);
    return {};
  },
  NextInvocation: (_flow, { ScheduleExpression }) => ({ next: ScheduleExpression.startsWith('cron') ? Date.UTC(2026, 10, 21, 3) / 1000 : null }),
  scheduler(flow, { method, path, body }) {
    const name = decodeURIComponent(/^\/schedules\/(.+)$/.exec(path)?.[1] ?? '');
    if (method === 'GET' && !name) return { Schedules: flow.schedules.map(({ Name, GroupName, State, Target }) => ({ Name, GroupName, State, Target: { Arn: Target.Arn } })) };
    if (method === 'POST') {
      if (!/^(rate|cron|at)\(.+\)$/.test(body.ScheduleExpression)) throw new Refused('ValidationException', `Invalid Schedule Expression ${body.ScheduleExpression}.`);
      flow.schedules.push({ Name: name, GroupName: 'default', ...body });
      return {};
    }
    const one = one_of(flow.schedules, 'Name', name, 'ResourceNotFoundException');
    if (method === 'GET') return one;
    if (method === 'PUT') Object.assign(one, body);
    else flow.schedules = flow.schedules.filter((other) => other !== one);
    return {};
  },
};

async function body_of(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8') || '{}');
}

async function api_answer(flow, operation, request, response) {
  const send = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (request.method !== 'POST' || request.headers['x-tidemill-console'] !== '1') return send(403, { __type: 'AccessDeniedException', message: 'not from the console' });
  const body = await body_of(request);
  flow.calls.push({ operation, body });
  try {
    if (flow.fail === operation) {
      flow.fail = null;
      throw new Refused('InternalFailure', 'the disk is full');
    }
    if (!Object.hasOwn(OPERATIONS, operation)) throw new Refused('UnknownOperationException', `no operation ${operation}`);
    return send(200, OPERATIONS[operation](flow, body));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return send(400, { __type: error.type, message: error.message });
  }
}

// True if it was the console's.
export async function flow_answer(flow, pathname, request, response) {
  const send = (type, body) => {
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
    response.end(body);
  };
  const asset = /^\/static\/mock\/(?:(site|flow)\/)?([\w.-]+\.(css|js))$/.exec(pathname);
  if (asset) {
    send(TYPES[asset[3]], await readFile(join(CONSOLE, asset[1] ?? 'site', asset[2])));
    return true;
  }
  const api = /^\/console\/api\/(\w+)$/.exec(pathname);
  if (api) {
    await api_answer(flow, api[1], request, response);
    return true;
  }
  if (!/^\/console(\/[\w-]*)?$/.test(pathname)) return false;
  const values = { base: '/console/', title: 'tidemill', description: 'State machines', theme_color: '#175c68', theme_color_dark: '#7fc4cf' };
  const source = await readFile(join(CONSOLE, 'flow/console.html'), 'utf8');
  send(TYPES.html, source.replace(/\{\{(\w+)\}\}/g, (_, key) => values[key] ?? '').replace(/(src|href)="((?:flow\/)?[\w.-]+\.(?:js|css))"/g, '$1="/static/mock/$2"'));
  return true;
}
