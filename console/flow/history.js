// What an execution's history says about its states. Events are given in order, in any portions; each is looked at once.
//
// Every event names the one before it in its own line of work (previousEventId), so each belongs to a visit of a state,
// and each visit to a frame: the machine's own, a branch of a Parallel, or an iteration of a Map.

const ENTERED = /StateEntered$/;
const EXITED = /StateExited$/;
const ATTEMPT = /^(TaskScheduled|LambdaFunctionScheduled|ActivityScheduled)$/;
const FAILURE = /^(Task|LambdaFunction|Activity)(Failed|TimedOut|ScheduleFailed|StartFailed|SubmitFailed)$|^EvaluationFailed$/;
const BEGUN = /^(Task|LambdaFunction|Activity)(Scheduled|Started|Submitted)$/;
const CONTAINER = /^(Parallel|Map)State(Started|Succeeded|Failed|Aborted)$/;
const ENDED = { ExecutionSucceeded: 'succeeded', ExecutionFailed: 'failed', ExecutionAborted: 'aborted', ExecutionTimedOut: 'timed_out' };

// The details of an event, whatever their key.
export function event_details(event) {
  for (const key in event) if (key.endsWith('Details') && event[key] && typeof event[key] === 'object') return event[key];
  return {};
}

export class History {
  constructor() {
    this.events = [];
    this.places = new Map(); // by event id: { visit, frame, at }
    this.visits = [];
    this.by_name = new Map(); // state name: its visits
    this.taken = new Set(); // "from\nto": transitions that were made
    this.root = { container: null, parent: null, index: null, iterations: null };
    this.status = 'running';
    this.started = null;
    this.ended = null;
    this.redrives = 0;
    this.last_id = 0;
  }

  // Takes the events that are new; returns how many were.
  add(events) {
    let fresh = 0;
    for (const event of events) {
      if (event.id <= this.last_id) continue;
      this.last_id = event.id;
      this.take(event);
      fresh += 1;
    }
    return fresh;
  }

  take(event) {
    const before = this.places.get(event.previousEventId) ?? { visit: null, frame: this.root };
    const place = { visit: before.visit, frame: before.frame, at: this.events.length };
    this.events.push(event);
    const { type } = event;
    if (ENTERED.test(type)) this.enter(event, before, place);
    else if (EXITED.test(type)) this.leave(event, before, place);
    else if (type.startsWith('MapIteration')) this.iterate(event, before, place);
    else if (CONTAINER.test(type)) this.contain(event, before, place);
    else if (type.startsWith('Execution')) this.execute(event, place);
    else this.work(event, place);
    this.places.set(event.id, place);
    place.visit?.events.push(event);
  }

  enter(event, before, place) {
    const { name, input } = event_details(event);
    const from = before.visit;
    // Behind "…StateStarted" of a Parallel begins a branch of it.
    const inside = from && from.open && from.kind === 'Parallel' && before.frame === from.frame && from.started;
    const frame = inside ? { container: from, parent: from.frame, index: null } : before.frame;
    const visit = {
      name,
      frame,
      kind: event.type.replace('StateEntered', ''),
      events: [],
      entered: event,
      exited: null,
      input,
      open: true,
      status: 'running',
      attempts: 0,
      error: null,
      started: false,
      iterations: null,
      map_run: null,
    };
    if (visit.kind === 'Wait') visit.status = 'waiting';
    if (visit.kind === 'Fail') {
      visit.status = 'failed';
      visit.open = false;
    }
    place.visit = visit;
    place.frame = frame;
    this.visits.push(visit);
    if (!this.by_name.has(name)) this.by_name.set(name, []);
    this.by_name.get(name).push(visit);
    if (from && !inside && from.frame === frame) this.taken.add(`${from.name}\n${name}`);
  }

  leave(event, before, place) {
    const { name } = event_details(event);
    const visit = this.visit_above(before, (candidate) => candidate.name === name) ?? before.visit;
    if (!visit) return;
    visit.open = false;
    visit.exited = event;
    visit.status = visit.error ? 'caught' : 'succeeded';
    place.visit = visit;
    place.frame = visit.frame;
  }

  // The nearest open visit from a place outwards that `wanted` takes.
  visit_above(place, wanted) {
    if (place.visit && wanted(place.visit)) return place.visit;
    for (let frame = place.frame; frame?.container; frame = frame.parent) if (wanted(frame.container)) return frame.container;
    return null;
  }

  iterate(event, before, place) {
    const { name, index } = event_details(event);
    const map = this.visit_above(before, (visit) => visit.kind === 'Map' && visit.name === name);
    if (!map) return;
    map.iterations ??= new Map();
    let frame = map.iterations.get(index);
    if (!frame) {
      frame = { container: map, parent: map.frame, index, status: 'running', started: event, ended: null, error: null };
      map.iterations.set(index, frame);
    }
    if (event.type === 'MapIterationStarted') {
      frame.status = 'running';
      frame.ended = null;
      place.frame = frame;
    } else {
      frame.status = { MapIterationSucceeded: 'succeeded', MapIterationFailed: 'failed', MapIterationAborted: 'aborted' }[event.type] ?? frame.status;
      frame.ended = event;
      if (frame.status !== 'succeeded') this.close_inside(frame, frame.status);
      place.frame = map.frame;
    }
    place.visit = map;
  }

  contain(event, before, place) {
    const kind = event.type.startsWith('Map') ? 'Map' : 'Parallel';
    const visit = this.visit_above(before, (candidate) => candidate.kind === kind && (candidate.open || candidate === before.visit));
    if (!visit) return;
    place.visit = visit;
    place.frame = visit.frame;
    if (event.type.endsWith('Started')) {
      visit.started = true;
      visit.planned = event_details(event).length ?? null;
    } else if (!event.type.endsWith('Succeeded')) {
      const details = event_details(event);
      visit.error = { error: details.error ?? '', cause: details.cause ?? '' };
      this.close_inside(visit, 'aborted');
      visit.status = event.type.endsWith('Aborted') ? 'aborted' : 'retrying';
    }
  }

  // Ends what is still open inside a container visit or an iteration: what had failed keeps that.
  close_inside(within, status) {
    for (let at = this.visits.length - 1; at >= 0; at--) {
      const visit = this.visits[at];
      if (visit === within || visit.entered.id < (within.entered ?? within.started).id) break;
      if (!visit.open || !this.is_inside(visit, within)) continue;
      visit.open = false;
      visit.status = visit.error ? 'failed' : status === 'failed' ? 'aborted' : status;
    }
    for (const frame of within.iterations?.values() ?? []) if (frame.status === 'running') frame.status = 'aborted';
  }

  is_inside(visit, within) {
    for (let frame = visit.frame; frame; frame = frame.parent) if (frame === within || frame.container === within) return true;
    return false;
  }

  execute(event, place) {
    place.visit = null;
    place.frame = this.root;
    if (event.type === 'ExecutionStarted') {
      this.started = event;
    } else if (event.type === 'ExecutionRedriven') {
      this.redrives += 1;
      this.status = 'running';
      this.ended = null;
      // The work goes on in the state that had failed.
      const last = this.visits.findLast((visit) => visit.status !== 'succeeded' && visit.status !== 'caught' && visit.frame === this.root);
      if (last && last.kind !== 'Fail') {
        Object.assign(last, { open: true, status: 'running', error: null });
        place.visit = last;
      }
    } else if (ENDED[event.type]) {
      this.ended = event;
      this.status = ENDED[event.type];
      const failed = this.status === 'failed';
      for (const visit of this.visits) {
        if (!visit.open) continue;
        visit.open = false;
        visit.status = failed && visit.error ? 'failed' : this.status === 'succeeded' ? 'aborted' : failed ? 'aborted' : this.status;
      }
      // A failure without an event of its own (a bad path) belongs to the last state that was entered.
      const { visit } = this.places.get(event.previousEventId) ?? {};
      if (failed && visit && visit.status === 'aborted') visit.status = 'failed';
    }
  }

  work(event, place) {
    // An expression that fails names its state; the event before it may be an earlier state's.
    if (event.type === 'EvaluationFailed') {
      const named = this.by_name.get(event_details(event).state)?.findLast((one) => one.open);
      if (named) Object.assign(place, { visit: named, frame: named.frame });
    }
    const { visit } = place;
    if (!visit) return;
    if (event.type === 'MapRunStarted') visit.map_run = event_details(event).mapRunArn ?? null;
    if (ATTEMPT.test(event.type)) visit.attempts += 1;
    if (BEGUN.test(event.type) && visit.open) {
      visit.status = 'running';
      visit.error = null;
    }
    if (FAILURE.test(event.type)) {
      const { error = '', cause = '' } = event_details(event);
      visit.error = { error, cause };
      if (visit.open) visit.status = 'retrying';
    }
  }

  // Visits of a state within `scope`: a Map from container visits' names to the iteration chosen. Without a choice, all.
  visits_of(name, scope = new Map()) {
    const all = this.by_name.get(name) ?? [];
    if (!scope.size) return all;
    return all.filter((visit) => {
      for (let frame = visit.frame; frame?.container; frame = frame.parent) {
        const chosen = scope.get(frame.container.name);
        if (chosen && chosen !== frame) return false;
      }
      return true;
    });
  }

  // What to show on a state's box: { status, count, counts }.
  summary(name, scope) {
    const visits = this.visits_of(name, scope);
    if (!visits.length) return { status: 'pending', count: 0, counts: {} };
    const counts = {};
    const many = visits.length > 1 && visits.some((visit) => visit.frame !== visits[0].frame);
    for (const visit of visits) counts[visit.status] = (counts[visit.status] ?? 0) + 1;
    const status = many
      ? ['running', 'waiting', 'retrying', 'failed', 'timed_out', 'caught', 'aborted', 'succeeded'].find((one) => counts[one])
      : visits.at(-1).status;
    return { status, count: visits.length, counts, many };
  }
}

// Counts of a Map visit's iterations by status.
export function iteration_counts(visit) {
  const counts = { succeeded: 0, failed: 0, running: 0, aborted: 0 };
  for (const frame of visit.iterations?.values() ?? []) counts[frame.status] = (counts[frame.status] ?? 0) + 1;
  const begun = visit.iterations?.size ?? 0;
  const total = Math.max(visit.planned ?? 0, begun);
  return { ...counts, pending: total - begun, total };
}
