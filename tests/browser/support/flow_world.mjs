// A made-up world of state machines: definitions, their drawings as the program makes them (*.layout.json), executions with
// histories that are shown bit by bit.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'flow');
const ACCOUNT = 'arn:aws:states:us-east-1:000000000000';
const START = Date.UTC(2026, 10, 20, 3, 0, 0) / 1000;

export const HOSTILE_STATE = '<img src=x onerror=alert(1)>';
export const machine_arn = (name) => `${ACCOUNT}:stateMachine:${name}`;
export const execution_arn = (machine, name) => `${ACCOUNT}:execution:${machine}:${name}`;

// Writes a history: every line of work has a cursor, the id of its last event.
export class Script {
  constructor(input) {
    this.events = [];
    this.time = START;
    this.put('ExecutionStarted', 0, 'executionStarted', { input: JSON.stringify(input), inputDetails: { truncated: false }, roleArn: 'arn:aws:iam::000000000000:role/x' });
    this.last = 0;
  }
  put(type, before, key, details) {
    this.time += 0.25;
    const event = { id: this.events.length + 1, previousEventId: before, timestamp: this.time, type };
    if (key) event[`${key}EventDetails`] = details;
    this.events.push(event);
    return event.id;
  }
  enter(kind, name, before, input) {
    return this.put(`${kind}StateEntered`, before, 'stateEntered', { name, input: JSON.stringify(input), inputDetails: { truncated: false } });
  }
  leave(kind, name, before, output, more = {}) {
    return this.put(`${kind}StateExited`, before, 'stateExited', { name, output: JSON.stringify(output), outputDetails: { truncated: false }, ...more });
  }
  begin(before, resource, parameters) {
    const scheduled = this.put('TaskScheduled', before, 'taskScheduled', { resourceType: 'tidemill', resource, region: 'us-east-1', parameters: JSON.stringify(parameters), timeoutInSeconds: 3600 });
    return this.put('TaskStarted', scheduled, 'taskStarted', { resourceType: 'tidemill', resource });
  }
  fail(before, resource, error, cause) {
    return this.put('TaskFailed', before, 'taskFailed', { resourceType: 'tidemill', resource, error, cause });
  }
  succeed(before, resource, output) {
    return this.put('TaskSucceeded', before, 'taskSucceeded', { resourceType: 'tidemill', resource, output: JSON.stringify(output) });
  }
  // A Task from its begin to its end.
  task(name, before, resource, input, output, more) {
    const entered = this.enter('Task', name, before, input);
    const done = this.succeed(this.begin(entered, resource, input), resource, output);
    return this.leave('Task', name, done, output, more);
  }
  pass(name, before, value, kind = 'Pass') {
    return this.leave(kind, name, this.enter(kind, name, before, value), value);
  }
}

// One night: read, choose, prepare in parallel, a Map with a failure that is caught, the index; `ending`: "failed", "succeeded" or "open".
function night_script(ending, episodes = 12) {
  const script = new Script({ night: 324 });
  const entered = script.enter('Task', 'ReadSites', 0, { night: 324 });
  const first = script.fail(script.begin(entered, 'podcast.sites', { night: 324 }), 'podcast.sites', 'States.Timeout', 'no answer within 30 s');
  const second = script.succeed(script.begin(first, 'podcast.sites', { night: 324 }), 'podcast.sites', { count: 3 });
  let at = script.leave('Task', 'ReadSites', second, { count: 3 }, { assignedVariables: { sites: '3', started: '"2026-11-20"' } });
  at = script.pass('AnySites', at, { count: 3 }, 'Choice');
  const parallel = script.enter('Parallel', 'Prepare', at, { count: 3 });
  const begun = script.put('ParallelStateStarted', parallel);
  const left = script.task('FetchFeeds', begun, 'lambda', {}, { feeds: 3 });
  const right = script.task('WarmModel', begun, 'speech.warm', {}, { warm: true });
  const end = script.pass('KeepFeeds', left, { feeds: 3 });
  const prepared = script.put('ParallelStateSucceeded', Math.max(end, right));
  at = script.leave('Parallel', 'Prepare', prepared, [{ feeds: 3 }, { warm: true }]);
  at = map_script(script, at, episodes);
  if (ending === 'open') {
    const index = script.enter('Task', 'BuildIndex', at, {});
    script.begin(index, 'podcast.index', {});
    return script;
  }
  if (ending === 'failed') {
    const index = script.enter('Task', 'BuildIndex', at, {});
    const broken = script.fail(script.begin(index, 'podcast.index', {}), 'podcast.index', 'Index.Broken', 'the index of site "harbour" cannot be read:\npage 7 is damaged');
    script.put('ExecutionFailed', broken, 'executionFailed', { error: 'Index.Broken', cause: 'the index of site "harbour" cannot be read:\npage 7 is damaged' });
    return script;
  }
  at = script.task('BuildIndex', at, 'podcast.index', {}, { indexed: episodes });
  at = script.task('Publish', at, 'publish', {}, { published: true });
  at = script.pass('Done', at, { published: true }, 'Succeed');
  script.put('ExecutionSucceeded', at, 'executionSucceeded', { output: '{"published":true}', outputDetails: { truncated: false } });
  return script;
}

function map_script(script, before, episodes) {
  const map = script.enter('Map', 'ForEachEpisode', before, { episodes });
  let at = script.put('MapStateStarted', map, 'mapStateStarted', { length: episodes });
  for (let index = 0; index < episodes; index++) {
    let inner = script.put('MapIterationStarted', at, 'mapIterationStarted', { name: 'ForEachEpisode', index });
    const input = { episode: index, seconds: index % 3 === 0 ? 9000 : 1800 };
    inner = script.task('Download', inner, 'podcast.download', input, input);
    inner = script.pass('LongEpisode', inner, input, 'Choice');
    if (index % 3 === 0) inner = script.task('SplitAudio', inner, 'podcast.split', input, input);
    if (index % 5 === 4) {
      const entered = script.enter('Task', 'Transcribe', inner, input);
      const failed = script.fail(script.begin(entered, 'podcast.transcribe', input), 'podcast.transcribe', 'Audio.Empty', 'audio is 0 bytes');
      inner = script.leave('Task', 'Transcribe', failed, { error: 'Audio.Empty' });
      inner = script.pass('NoteFailure', inner, { error: 'Audio.Empty' });
    } else {
      inner = script.task('Transcribe', inner, 'podcast.transcribe', input, { ...input, words: 1000 + index });
    }
    script.put('MapIterationSucceeded', inner, 'mapIterationSucceeded', { name: 'ForEachEpisode', index });
    at = inner;
  }
  const done = script.put('MapStateSucceeded', at);
  return script.leave('Map', 'ForEachEpisode', done, { episodes });
}

// Thousands of iterations; the last ones still run.
function many_script(items) {
  const script = new Script({ items });
  const map = script.enter('Map', 'EachItem', 0, { items });
  let at = script.put('MapStateStarted', map, 'mapStateStarted', { length: items });
  for (let index = 0; index < items; index++) {
    const begun = script.put('MapIterationStarted', at, 'mapIterationStarted', { name: 'EachItem', index });
    const look = script.enter('Task', 'Look', begun, { index });
    const started = script.begin(look, 'curation.look', { index });
    if (index >= items - 25) continue;
    if (index % 97 === 50) {
      const failed = script.fail(started, 'curation.look', 'Page.Gone', `item ${index} is gone`);
      const left = script.leave('Task', 'Look', failed, { index });
      const aside = script.pass('PutAside', left, { index });
      script.put('MapIterationFailed', aside, 'mapIterationFailed', { name: 'EachItem', index });
      at = aside;
      continue;
    }
    const left = script.leave('Task', 'Look', script.succeed(started, 'curation.look', { index }), { index });
    script.put('MapIterationSucceeded', left, 'mapIterationSucceeded', { name: 'EachItem', index });
    at = left;
  }
  return script;
}

function distributed_script(run) {
  const script = new Script({ prefix: 'pages/' });
  const map = script.enter('Map', 'EachItem', 0, {});
  const begun = script.put('MapStateStarted', map, 'mapStateStarted', { length: 0 });
  script.put('MapRunStarted', begun, 'mapRunStarted', { mapRunArn: run });
  return script;
}

const definition_of = (name) => readFileSync(join(FOLDER, `${name}.asl.json`), 'utf8');
const layout_of = (name) => JSON.parse(readFileSync(join(FOLDER, `${name}.layout.json`), 'utf8'));

function execution_make(machine, name, script, { shown = script.events.length, started = START } = {}) {
  return { arn: execution_arn(machine, name), name, machine, events: script.events, shown, input: '{"night":324}', started, redrives: 0 };
}

export function flow_world_make() {
  const names = ['night-run', 'many-items', 'hostile'];
  const machines = names.map((name, at) => ({
    name,
    arn: machine_arn(name),
    type: 'STANDARD',
    definition: definition_of(name),
    layout: layout_of(name),
    created: START - 86400 * (at + 1),
    versions: name === 'night-run' ? [2, 1] : [],
    aliases: name === 'night-run' ? ['live'] : [],
  }));
  machines.push({ name: 'quick-answer', arn: machine_arn('quick-answer'), type: 'EXPRESS', definition: definition_of('hostile'), layout: layout_of('hostile'), created: START, versions: [], aliases: [] });
  const run = `${ACCOUNT}:mapRun:many-items/EachItem:5f3c2b1a`;
  const executions = [
    execution_make('night-run', 'tonight', night_script('open'), { shown: 1 }),
    execution_make('night-run', 'broken', night_script('failed')),
    execution_make('night-run', 'well', night_script('succeeded')),
    execution_make('many-items', 'thousands', many_script(3500)),
    execution_make('many-items', 'spread', distributed_script(run)),
    ...Array.from({ length: 70 }, (_, at) => execution_make('night-run', `older-${String(at).padStart(2, '0')}`, night_script(at % 7 === 3 ? 'failed' : 'succeeded', 2), { started: START - 86400 * (at + 1) })),
  ];
  const hostile = new Script({});
  hostile.pass(HOSTILE_STATE, 0, { note: HOSTILE_STATE });
  executions.push(execution_make('hostile', 'hostile', hostile));
  return {
    machines,
    executions,
    run,
    activities: [{ name: 'publish-to-the-world', activityArn: `${ACCOUNT}:activity:publish-to-the-world`, creationDate: START }],
    schedules: [
      { Name: 'every-night', GroupName: 'default', State: 'ENABLED', ScheduleExpression: 'cron(0 3 * * ? *)', ScheduleExpressionTimezone: 'Europe/Berlin', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: machine_arn('night-run'), RoleArn: 'r', Input: '{}' } },
      { Name: 'once', GroupName: 'default', State: 'DISABLED', ScheduleExpression: 'at(2030-01-31T03:00:00)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: 'arn:aws:sqs:us-east-1:000000000000:jobs', RoleArn: 'r', Input: '{}' } },
    ],
    calls: [], // every request: { operation, body }
    fail: null, // the operation whose next call fails
    // Shows `count` more events of an execution (all without).
    grow(name, count = Infinity) {
      const one = executions.find((execution) => execution.name === name);
      one.shown = Math.min(one.events.length, one.shown + count);
      return one;
    },
  };
}
