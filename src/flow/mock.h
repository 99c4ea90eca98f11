/* What Task states answer instead of being carried out, as a test writes it down: the file MockConfigFile.json of Step
 * Functions Local.
 *
 *   {"StateMachines": {MACHINE: {"TestCases": {CASE: {STATE: RESPONSE, ...}}}},
 *    "MockedResponses": {RESPONSE: {"0": {"Return": any value}, "1-2": {"Throw": {"Error": text, "Cause": text}}}}}
 *
 * Beside Return or Throw an answer may have "Submit": what TaskSubmitted tells of a state that waits for its token or
 * for a job (our addition).
 *
 * An execution that is started with the machine's ARN and "#CASE" behind it takes the answers of that case; states that
 * the case does not name are carried out. Format: AWS Step Functions Developer Guide, "Using mocked service
 * integrations". */
#ifndef TIDEMILL_FLOW_MOCK_H
#define TIDEMILL_FLOW_MOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct mock_file; /* immutable: any thread may ask it */

/* Checks the file's content and keeps a reference to it. NULL with ERROR_INVALID; the message names the place and what
 * is wrong there. */
struct mock_file *mock_file_open(const json_t *source, struct error *err);
void mock_file_close(struct mock_file *mocks); /* NULL is allowed */

/* True if the machine has that test case. NULL for `mocks` is allowed: there is none. */
bool mock_case_exists(const struct mock_file *mocks, const char *machine, const char *test_case);

/* True if the state is mocked in that case: *answer (borrowed) is the object with "Return" or "Throw". `attempt`
 * counts, from 0, how often the execution has asked for this state: entries and retries together, as Step Functions
 * Local counts. An attempt that the response does not name gets a Throw that says so. NULL for `mocks` is allowed. */
bool mock_find(const struct mock_file *mocks, const char *machine, const char *test_case, const char *state,
               int64_t attempt, const json_t **answer);

#endif
