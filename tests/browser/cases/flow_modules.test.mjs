// The parts of the console that need no browser: what a history says, ways in a picture, words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line_range, place_at } from '../../../console/flow/code_area.js';
import { state_line } from '../../../console/flow/editor.js';
import { arn_name, execution_name, json_pretty, machine_of, page_url, span_text, type_text } from '../../../console/flow/format.js';
import { edge_path, graph_neighbour } from '../../../console/flow/graph.js';
import { History, iteration_counts } from '../../../console/flow/history.js';
import { state_source } from '../../../console/flow/machine.js';
import { Script, flow_world_make } from '../support/flow_world.mjs';

const flow = flow_world_make();
const events_of = (name) => flow.executions.find((one) => one.name === name).events;

function history_of(events) {
  const history = new History();
  history.add(events);
  return history;
}
const status = (history, name, scope) => history.summary(name, scope).status;

test('a history that went well leaves nothing open', () => {
  const history = history_of(events_of('well'));
  assert.equal(history.status, 'succeeded');
  assert.deepEqual(history.visits.filter((visit) => visit.open), []);
  assert.equal(status(history, 'ReadSites'), 'succeeded');
  assert.equal(history.by_name.get('ReadSites')[0].attempts, 2);
  assert.equal(status(history, 'WaitForSites'), 'pending');
  assert.ok(history.taken.has('AnySites\nPrepare'));
  assert.ok(!history.taken.has('AnySites\nWaitForSites'));
});

test('branches of a Parallel stand in frames of their own', () => {
  const history = history_of(events_of('well'));
  const [fetch, keep, warm] = ['FetchFeeds', 'KeepFeeds', 'WarmModel'].map((name) => history.by_name.get(name)[0]);
  assert.equal(fetch.frame, keep.frame);
  assert.notEqual(fetch.frame, warm.frame);
  assert.equal(fetch.frame.container.name, 'Prepare');
  assert.equal(history.by_name.get('ForEachEpisode')[0].frame, history.root);
});

test('what failed is told from what was caught', () => {
  const history = history_of(events_of('broken'));
  assert.equal(history.status, 'failed');
  assert.equal(status(history, 'BuildIndex'), 'failed');
  assert.equal(history.by_name.get('BuildIndex')[0].error.error, 'Index.Broken');
  const map = history.by_name.get('ForEachEpisode')[0];
  assert.deepEqual(iteration_counts(map), { succeeded: 12, failed: 0, running: 0, aborted: 0, pending: 0, total: 12 });
  const within = (index) => new Map([['ForEachEpisode', map.iterations.get(index)]]);
  assert.equal(status(history, 'Transcribe', within(4)), 'caught');
  assert.equal(status(history, 'NoteFailure', within(4)), 'succeeded');
  assert.equal(status(history, 'Transcribe', within(1)), 'succeeded');
  assert.equal(status(history, 'NoteFailure', within(1)), 'pending');
  assert.equal(status(history, 'SplitAudio', within(0)), 'succeeded');
  assert.equal(history.summary('Download').count, 12);
});

test('a history in portions, with some of it twice, says the same as the whole', () => {
  const events = events_of('broken');
  const history = new History();
  for (let at = 0; at < events.length; at += 7) history.add(events.slice(Math.max(0, at - 3), at + 7));
  const whole = history_of(events);
  assert.deepEqual(
    history.visits.map(({ name, status: one, attempts }) => [name, one, attempts]),
    whole.visits.map(({ name, status: one, attempts }) => [name, one, attempts]),
  );
  assert.equal(history.add(events), 0);
});

test('a task that failed and is tried again says so in between', () => {
  const script = new Script({});
  const entered = script.enter('Task', 'A', 0, {});
  const begun = script.begin(entered, 'x', {});
  const history = history_of(script.events);
  assert.equal(status(history, 'A'), 'running');
  const failed = script.fail(begun, 'x', 'E', 'c');
  history.add(script.events);
  assert.equal(status(history, 'A'), 'retrying');
  script.begin(failed, 'x', {});
  history.add(script.events);
  assert.equal(status(history, 'A'), 'running');
  assert.equal(history.by_name.get('A')[0].attempts, 2);
  script.put('ExecutionAborted', 0, 'executionAborted', {});
  history.add(script.events);
  assert.equal(status(history, 'A'), 'aborted');
  assert.equal(history.status, 'aborted');
});

test('a failed branch ends its Parallel and what still ran beside it', () => {
  const script = new Script({});
  const parallel = script.enter('Parallel', 'P', 0, {});
  const begun = script.put('ParallelStateStarted', parallel);
  const left = script.begin(script.enter('Task', 'L', begun, {}), 'x', {});
  script.begin(script.enter('Task', 'R', begun, {}), 'x', {});
  const failed = script.fail(left, 'x', 'E', 'c');
  const ended = script.put('ParallelStateFailed', failed, 'parallelStateFailed', { error: 'E', cause: 'c' });
  script.put('ExecutionFailed', ended, 'executionFailed', { error: 'E', cause: 'c' });
  const history = history_of(script.events);
  assert.equal(status(history, 'L'), 'failed');
  assert.equal(status(history, 'R'), 'aborted');
  assert.equal(status(history, 'P'), 'failed');
});

test('an iteration that fails ends a Map, whose failure is caught', () => {
  const script = new Script({});
  const map = script.enter('Map', 'M', 0, {});
  const begun = script.put('MapStateStarted', map, 'mapStateStarted', { length: 3 });
  const first = script.put('MapIterationStarted', begun, 'mapIterationStarted', { name: 'M', index: 0 });
  const second = script.put('MapIterationStarted', begun, 'mapIterationStarted', { name: 'M', index: 1 });
  script.begin(script.enter('Task', 'T', second, {}), 'x', {});
  const failed = script.fail(script.begin(script.enter('Task', 'T', first, {}), 'x', {}), 'x', 'E', 'c');
  script.put('MapIterationFailed', failed, 'mapIterationFailed', { name: 'M', index: 0 });
  const ended = script.put('MapStateFailed', failed, 'mapStateFailed', { error: 'E', cause: 'c' });
  const left = script.leave('Map', 'M', ended, {});
  script.pass('After', left, {});
  const history = history_of(script.events);
  const visit = history.by_name.get('M')[0];
  assert.equal(visit.status, 'caught');
  assert.deepEqual(iteration_counts(visit), { succeeded: 0, failed: 1, running: 0, aborted: 1, pending: 1, total: 3 });
  assert.equal(status(history, 'After'), 'succeeded');
  assert.equal(history.by_name.get('After')[0].frame, history.root);
  assert.ok(history.taken.has('M\nAfter'));
});

test('a redrive goes on in the state that had failed', () => {
  const history = history_of(events_of('broken'));
  const last = history.last_id;
  history.add([
    { id: last + 1, previousEventId: last, timestamp: 1, type: 'ExecutionRedriven', executionRedrivenEventDetails: { redriveCount: 1 } },
    { id: last + 2, previousEventId: last + 1, timestamp: 2, type: 'TaskScheduled', taskScheduledEventDetails: {} },
  ]);
  assert.equal(history.status, 'running');
  assert.equal(history.ended, null);
  assert.equal(status(history, 'BuildIndex'), 'running');
  assert.equal(history.by_name.get('BuildIndex')[0].attempts, 2);
});

test('an expression that fails belongs to the state that it names', () => {
  const script = new Script({});
  const left = script.pass('A', 0, {});
  script.enter('Pass', 'B', left, {});
  const failed = script.put('EvaluationFailed', left, 'evaluationFailed', { error: 'E', cause: 'c', state: 'B' });
  script.put('ExecutionFailed', failed, 'executionFailed', { error: 'E', cause: 'c' });
  const history = history_of(script.events);
  assert.equal(status(history, 'A'), 'succeeded');
  assert.equal(status(history, 'B'), 'failed');
});

test('arrows lead to the nearest state in their direction', () => {
  const node = (name, x, y) => ({ name, x, y, w: 100, h: 46 });
  const nodes = [node('top', 100, 0), node('left', 0, 100), node('right', 200, 100), node('bottom', 100, 200)];
  const to = (from, key) => graph_neighbour(nodes, nodes.find(({ name }) => name === from), key)?.name ?? null;
  assert.equal(to('top', 'ArrowDown'), 'bottom');
  assert.equal(to('left', 'ArrowRight'), 'right');
  assert.equal(to('right', 'ArrowLeft'), 'left');
  assert.equal(to('bottom', 'ArrowUp'), 'top');
  assert.equal(to('top', 'ArrowUp'), null);
});

test('an edge is upright at its ends', () => {
  assert.equal(edge_path([[10, 0], [10, 20], [50, 60], [50, 80]]), 'M10 0L10 20C10 40 50 40 50 60L50 80');
});

test('names, addresses and spans', () => {
  const arn = 'arn:aws:states:us-east-1:123456789012:execution:night:run-1';
  assert.equal(execution_name(arn), 'run-1');
  assert.equal(arn_name('arn:aws:states:us-east-1:123456789012:stateMachine:night:3'), 'night:3');
  assert.equal(machine_of(arn), 'arn:aws:states:us-east-1:123456789012:stateMachine:night');
  assert.equal(machine_of('arn:aws:states:us-east-1:123456789012:execution:night/Each:x'), 'arn:aws:states:us-east-1:123456789012:stateMachine:night');
  assert.equal(page_url('execution', { arn: 'a:b c', state: null }), 'execution?arn=a%3Ab+c');
  assert.deepEqual([0.34, 12.44, 75, 7440, 190000].map(span_text), ['340 ms', '12.4 s', '1 min 15 s', '2 h 4 min', '2 d 4 h']);
  assert.equal(type_text('MapIterationStarted'), 'Map iteration started');
  assert.equal(json_pretty('{"a":1}'), '{\n  "a": 1\n}');
  assert.equal(json_pretty('no json'), 'no json');
});

test('lines of a definition', () => {
  const text = 'one\ntwo\nthree';
  assert.deepEqual(line_range(text, 2), [4, 7]);
  assert.deepEqual(line_range(text, 9), [8, 13]);
  assert.deepEqual(place_at(text, 5), { line: 2, column: 2 });
  assert.deepEqual(place_at(text, 0), { line: 1, column: 1 });
  const source = '{\n"StartAt": "A",\n"States": {\n"A": {"Next": "B"},\n"B": {}}}';
  assert.equal(state_line(source, 'A'), 4);
  assert.equal(state_line(source, 'B'), 5);
  assert.equal(state_line(source, 'C'), null);
});

test('the text of a state is found in branches and processors', () => {
  const machine = JSON.parse(flow.machines[0].definition);
  assert.equal(state_source(machine, 'KeepFeeds').Type, 'Pass');
  assert.equal(state_source(machine, 'Transcribe').Resource, '${podcast_transcribe}');
  assert.equal(state_source(machine, 'Nothing'), null);
  assert.equal(state_source(machine, 'toString'), null);
});
