// What the tests of the console share. They run against the mock alone: it can grow a history on request.

import { page_test, world } from './case.mjs';
import { execution_arn, machine_arn } from './flow_world.mjs';

export const console_url = (rest = '') => `${world.url}console/${rest}`;
export const machine_url = (name, page = 'machine') => console_url(`${page}?arn=${encodeURIComponent(machine_arn(name))}`);
export const execution_url = (machine, name, more = '') => console_url(`execution?arn=${encodeURIComponent(execution_arn(machine, name))}${more}`);
export const flow = () => world.mock.flow;

// A test with a page of its own against the mock.
export function flow_test(name, options, body) {
  const call = body ?? options;
  page_test(name, { ...(body ? options : {}), needs: 'mock' }, call);
}

// A state of the graph, by its name; with a status, once it has that.
export const state_at = (page, name, status) => page.locator(`.graph .state${status ? `[data-status="${status}"]` : ''}[data-name=${JSON.stringify(name)}]`);

// How often an operation was asked for.
export const calls_of = (operation) => flow().calls.filter((one) => one.operation === operation).length;
