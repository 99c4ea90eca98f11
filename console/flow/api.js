// The server's operations: those of AWS Step Functions, asked for with the session of this page alone. The header keeps
// other sites' forms out.

export class ApiError extends Error {
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

// One operation with its request; the answer, or an ApiError with the service's type ("StateMachineDoesNotExist").
export async function call(operation, body = {}, { signal } = {}) {
  let response;
  try {
    response = await fetch(new URL(`/console/api/${operation}`, location.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tidemill-console': '1' },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('Unreachable', 'The server does not answer. Is it running?');
  }
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    // no JSON: the status says what there is to say
  }
  if (response.ok) return answer ?? {};
  const type = String(answer?.__type ?? answer?.error?.code ?? `Status${response.status}`).split('#').pop();
  throw new ApiError(type, answer?.message ?? answer?.Message ?? answer?.error?.message ?? `The server answered with status ${response.status}.`);
}

// The Scheduler's API, which has methods and paths of its own.
export const scheduler = (method, path, { query = {}, body = {} } = {}, options) => call('scheduler', { method, path, query, body }, options);
