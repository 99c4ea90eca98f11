// Follows an execution's history while it grows. The service has no "what is new": the last page is asked for again by
// its own token until it is full and names a next one.

const PAGE = 1000;
const QUICK = 500;
const SLOW = 5000;
// Above this much text the rest comes without inputs and outputs; event_data() then fetches what is looked at.
const TEXT_MOST = 24 << 20;

const text_size = (event) => {
  let size = 200;
  for (const key in event) {
    if (!key.endsWith('Details')) continue;
    const { input, output, parameters } = event[key] ?? {};
    size += (input?.length ?? 0) + (output?.length ?? 0) + (parameters?.length ?? 0);
  }
  return size;
};

// `on_events(fresh, done)` is told of each portion; `on_trouble(error)` of a failed request (it goes on trying), with null when it
// works again. `page_hidden()` pauses the asking. Returns { stop, nudge, event_data }.
export function history_follow({ call, arn, history, on_events, on_trouble, timers = globalThis }) {
  const pages = [{ token: undefined, first: 0, bare: false }];
  let stopped = false;
  let timer = null;
  let wait = QUICK;
  let text = 0;
  let asking = false;
  let again = false;

  async function fetch_page() {
    const page = pages.at(-1);
    page.bare ||= text > TEXT_MOST;
    const answer = await call('GetExecutionHistory', {
      executionArn: arn,
      maxResults: PAGE,
      includeExecutionData: !page.bare,
      ...(page.token ? { nextToken: page.token } : {}),
    });
    const events = answer.events ?? [];
    for (const event of events) if (event.id > history.last_id) text += text_size(event);
    const fresh = history.add(events);
    if (events.length) page.last = events.at(-1).id;
    if (answer.nextToken) pages.push({ token: answer.nextToken, first: history.last_id + 1, bare: false });
    return { fresh, more: Boolean(answer.nextToken) };
  }

  async function round() {
    timer = null;
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      let fresh = 0;
      for (let more = true; more && !stopped; ) {
        const found = await fetch_page();
        fresh += found.fresh;
        more = found.more;
        if (found.fresh && more) on_events(found.fresh, false);
      }
      on_trouble(null);
      wait = fresh ? QUICK : Math.min(SLOW, wait * 1.5);
      if (!stopped) on_events(fresh, true);
    } catch (error) {
      wait = SLOW;
      if (!stopped) on_trouble(error);
    }
    asking = false;
    plan();
  }

  function plan() {
    if (stopped) return;
    if (again) {
      again = false;
      round();
    } else if (!history.ended && !document.hidden && timer === null) {
      timer = timers.setTimeout(round, wait);
    }
  }

  function nudge() {
    wait = QUICK;
    if (timer !== null) timers.clearTimeout(timer);
    timer = null;
    if (!stopped) round();
  }

  const on_visible = () => {
    if (document.hidden && timer !== null) {
      timers.clearTimeout(timer);
      timer = null;
    } else if (!document.hidden && !history.ended && timer === null && !asking) nudge();
  };
  document.addEventListener('visibilitychange', on_visible);
  round();

  // An event with its inputs and outputs, which a large history came without.
  async function event_data(event) {
    const page = pages.findLast((one) => one.first <= event.id);
    if (!page?.bare) return event;
    const answer = await call('GetExecutionHistory', {
      executionArn: arn,
      maxResults: PAGE,
      includeExecutionData: true,
      ...(page.token ? { nextToken: page.token } : {}),
    });
    return answer.events?.find(({ id }) => id === event.id) ?? event;
  }

  return {
    nudge,
    event_data,
    stop() {
      stopped = true;
      if (timer !== null) timers.clearTimeout(timer);
      document.removeEventListener('visibilitychange', on_visible);
    },
  };
}
