/* The checker: every fault with its code, its place, and the service's words. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition.h"
#include "support/unit.h"

static struct machine *compile(const char *text, bool express, struct diagnostics *diagnostics) {
    struct definition_settings settings = {.express = express};
    struct machine *machine = machine_compile(text, strlen(text), &settings, diagnostics);
    assert_true((machine != NULL) == (diagnostics->errors == 0));
    return machine;
}

/* One line a fault: "CODE message at location". */
static char *checked(const char *text, bool express) {
    struct diagnostics *diagnostics = diagnostics_open();
    machine_close(compile(text, express, diagnostics));
    TEXT_SCOPED struct text lines;
    text_open(&lines, MIB);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        text_append_format(&lines, "%s%s %s at %s", i ? "\n" : "", item->code, item->message,
                           item->location ? item->location : "null");
    }
    diagnostics_close(diagnostics);
    return text_take(&lines);
}

struct row {
    const char *definition, *expected;
};

static void check_rows(const struct row *rows, size_t count, bool express) {
    for (size_t i = 0; i < count; i++) {
        TEXT_OWNED char *found = checked(rows[i].definition, express);
        if (strcmp(found, rows[i].expected) != 0)
            fail_msg("%s\n--- says\n%s\n--- not\n%s", rows[i].definition, found, rows[i].expected);
    }
}

/* A machine of one state, on a line of its own. */
#define ONE(fields) "{\"StartAt\": \"A\", \"States\": {\n\"A\": {" fields "}}}"
#define SCHEMA "SCHEMA_VALIDATION_FAILED "

/* ---- positions ---- */

/* A mark stands at the key of an object or list, at the value of anything else, and where a field is too much at its
 * key. */
static void test_positions(void **state) {
    (void)state;
    static const char text[] = "{\n"                                                   /* 1 */
                               "  \"StartAt\": \"B\",\n"                               /* 2 */
                               "  \"States\": {\n"                                     /* 3 */
                               "    \"A/b\": {\"Type\": \"Pass\", \"Foo\": 1,\n"       /* 4 */
                               "      \"Parameters\": {\"\xC3\xA4\": {\"c.$\": 7}},\n" /* 5 */
                               "      \"InputPath\": 1, \"End\": true},\n"             /* 6 */
                               "    \"C\": {\n"                                        /* 7 */
                               "      \"Type\": \"Choice\", \"Choices\": [\n"          /* 8 */
                               "        {\"Variable\": \"$\", \"IsNull\": 0}\n"        /* 9 */
                               "      ]}}}";
    static const struct {
        size_t line, column;
        const char *location;
    } expected[] = {
        {4, 29, "/States/A/b"}, /* Foo */
        {6, 20, "/States/A/b/InputPath"},
        {5, 28, "/States/A/b/Parameters/\xC3\xA4"}, /* "c.$" */
        {9, 37, "/States/C/Choices[0]/IsNull"},
        {9, 9, "/States/C/Choices[0]"}, /* Next is missing */
        {2, 14, "/StartAt"},
        {4, 5, "/States/A/b"}, /* not reachable */
        {7, 5, "/States/C"},
    };
    struct diagnostics *diagnostics = diagnostics_open();
    assert_null(compile(text, false, diagnostics));
    assert_int_equal(diagnostics->count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        assert_string_equal(diagnostics->items[i].location, expected[i].location);
        assert_int_equal(diagnostics->items[i].line, expected[i].line);
        assert_int_equal(diagnostics->items[i].column, expected[i].column);
    }
    diagnostics_close(diagnostics);
}

/* A text that is no JSON: the mark stands where the fault is, whatever place Jackson names. */
static void test_text_positions(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t line, column;
    } rows[] = {
        {"not a definition", 1, 1},
        {"{\n \"a\": [1,", 2, 10},
        {"{a}", 1, 2},
        {"{\"a\" 1}", 1, 6},
        {"\"\xC3\xA4\\q\"", 1, 3},
        {"[\n\n1\n2]", 4, 1},
        {"", 0, 0},
        {"[1] x", 1, 5},
        {"{\"a\": 1,\n\"a\": 2}", 2, 1},
        {"[99999999999999999999]", 1, 22},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct diagnostics *diagnostics = diagnostics_open();
        assert_null(compile(rows[i].text, false, diagnostics));
        assert_int_equal(diagnostics->count, 1);
        assert_int_equal(diagnostics->items[0].line, rows[i].line);
        assert_int_equal(diagnostics->items[0].column, rows[i].column);
        diagnostics_close(diagnostics);
    }
}

/* ---- faults ---- */

static void test_text(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"", "MISSING_DESCRIPTION Received a null or empty workflow input. at null"},
        {"nul", "INVALID_JSON_DESCRIPTION Unrecognized token 'nul': was expecting (JSON String, Number, Array, Object "
                "or token 'null', 'true' or 'false')\n at [Source: (String)\"nul\"; line: 1, column: 4] at "
                "[Source: (String)\"nul\"; line: 1, column: 4]"},
        {"{\n \"a\": [1,",
         "INVALID_JSON_DESCRIPTION Unexpected end-of-input: expected close marker for Array (start "
         "marker at [Source: (String)\"{\n \"a\": [1,\"; line: 2, column: 7])\n at [Source: (String)\"{\n "
         "\"a\": [1,\"; line: 2, column: 10] at [Source: (String)\"{\n \"a\": [1,\"; line: 2, column: 10]"},
        {"{a}", "INVALID_JSON_DESCRIPTION Unexpected character ('a' (code 97)): was expecting double-quote to start "
                "field name\n at [Source: (String)\"{a}\"; line: 1, column: 3] at [Source: (String)\"{a}\"; line: 1, "
                "column: 3]"},
        {"{\"a\" 1}",
         "INVALID_JSON_DESCRIPTION Unexpected character ('1' (code 49)): was expecting a colon to separate "
         "field name and value\n at [Source: (String)\"{\"a\" 1}\"; line: 1, column: 7] at [Source: "
         "(String)\"{\"a\" 1}\"; line: 1, column: 7]"},
        {"[1 2]",
         "INVALID_JSON_DESCRIPTION Unexpected character ('2' (code 50)): was expecting comma to separate Array "
         "entries\n at [Source: (String)\"[1 2]\"; line: 1, column: 5] at [Source: (String)\"[1 2]\"; line: 1, "
         "column: 5]"},
        {"[01]", "INVALID_JSON_DESCRIPTION Invalid numeric value: Leading zeroes not allowed\n at [Source: "
                 "(String)\"[01]\"; line: 1, column: 3] at [Source: (String)\"[01]\"; line: 1, column: 3]"},
        {"\"a", "INVALID_JSON_DESCRIPTION Unexpected end-of-input: was expecting closing quote for a string value\n at "
                "[Source: (String)\"\"a\"; line: 1, column: 3] at [Source: (String)\"\"a\"; line: 1, column: 3]"},
        {"\"\xC3\xA4\\q\"",
         "INVALID_JSON_DESCRIPTION Unrecognized character escape ('q' (code 113))\n at [Source: "
         "(String)\"\"\xC3\xA4\\q\"\"; line: 1, column: 5] at [Source: (String)\"\"\xC3\xA4\\q\"\"; line: "
         "1, column: 5]"},
        {"\"\xFF\"", "INVALID_JSON_DESCRIPTION The definition is not valid UTF-8 at null"},
        {"[1] x",
         "INVALID_JSON_DESCRIPTION Unexpected character ('x' (code 120)): was expecting the end of the text\n "
         "at [Source: (String)\"[1] x\"; line: 1, column: 6] at [Source: (String)\"[1] x\"; line: 1, column: 6]"},
        {"[1]", SCHEMA "Expected value of type Object at /"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

static void test_duplicates(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"StartAt\": \"A\", \"States\": {\n \"A\": {\"Type\": \"Succeed\"},\n \"\\u0041\": {\"Type\": \"Fail\"}}}",
         "DUPLICATE_STATE_NAME Duplicate State name: A at /States/A"},
        {"{\"a\": 1, \"a\": 2}",
         "INVALID_JSON_DESCRIPTION Duplicate field 'a'\n at [Source: (String)\"{\"a\": 1, "
         "\"a\": 2}\"; line: 1, column: 10] at [Source: (String)\"{\"a\": 1, \"a\": 2}\"; line: 1, "
         "column: 10]"},
        {ONE("\"Type\": \"Parallel\", \"End\": true, \"Branches\": [\n"
             "{\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}},\n"
             "{\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}}]"),
         "DUPLICATE_STATE_NAME Duplicate State name: B at /States/A/Branches[1]/States/B"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

static void test_machine(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{}", SCHEMA "These fields are required: [States, StartAt] at /"},
        {"{\"StartAt\": \"A\", \"States\": {}}",
         SCHEMA "Value cannot be empty at /States\n"
                "MISSING_TRANSITION_TARGET Missing 'Next' target: A at /StartAt"},
        {"{\"StartAt\": 1, \"Stetes\": 1, \"States\": [], \"Version\": \"2\", \"TimeoutSeconds\": \"1\"}", SCHEMA
         "Field 'Stetes' is not supported at /\n" SCHEMA "Expected value of type Integer at /TimeoutSeconds\n" SCHEMA
         "Value should be one of the following: [1.0] at /Version\n" SCHEMA
         "Expected value of type Object at /States\n" SCHEMA "Expected value of type String at /StartAt"},
        {"{\"StartAt\": \"A\", \"States\": {\"A\": 1}}",
         SCHEMA "Expected value of type Object at /States/A\n"
                "MISSING_TRANSITION_TARGET Missing 'Next' target: A at /StartAt"},
        {"{\"QueryLanguage\": \"SQL\", \"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}}",
         SCHEMA "Value should be one of the following: [JSONPath, JSONata] at /QueryLanguage"},
        {"{\"QueryLanguage\": \"JSONata\", \"StartAt\": \"A\", \"States\": {\n\"A\": {\"Type\": \"Pass\", \"Next\": "
         "\"B\", "
         "\"Output\": \"{% 1 %}\"},\n\"B\": {\"QueryLanguage\": \"JSONata\", \"Type\": \"Succeed\"}}}",
         SCHEMA "QueryLanguage 'JSONata' is not supported yet at /QueryLanguage\n" SCHEMA
                "QueryLanguage 'JSONata' is not supported yet at /States/B/QueryLanguage"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"Output\": 1"),
         SCHEMA "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' "
                "QueryLanguage at /States/A"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"QueryLanguage\": \"JSONata\", \"InputPath\": \"$\""),
         SCHEMA "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' "
                "QueryLanguage at /States/A"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

static void test_flow(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"StartAt\": \"p1\", \"States\": {\n\"p1\": {\"Type\": \"Pass\", \"Next\": \"p3\"},\n\"p2\": {\"Type\": "
         "\"Pass\", "
         "\"End\": true}}}",
         "MISSING_TRANSITION_TARGET Missing 'Next' target: p3 at /States/p1/Next\n"
         "MISSING_TRANSITION_TARGET State \"p2\" is not reachable. at /States/p2"},
        {"{\"StartAt\": \"Not sure\", \"States\": {\"One\": {\"Type\": \"Pass\", \"Next\": \"Two\"}, \"Two\": "
         "{\"Type\": "
         "\"Succeed\"}}}",
         "MISSING_TRANSITION_TARGET Missing 'Next' target: Not sure at /StartAt\n"
         "MISSING_TRANSITION_TARGET State \"One\" is not reachable. at /States/One"},
        {"{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}, \"B\": {\"Type\": \"Pass\", "
         "\"Next\": \"A\"}}}",
         "MISSING_END_STATE Workflow has no terminal state at null"},
        {"{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"NOPE\"}}}",
         "MISSING_TRANSITION_TARGET Missing 'Next' target: NOPE at /States/A/Next\n"
         "MISSING_END_STATE Workflow has no terminal state at null"},
        {"{\"StartAt\": \"A\", \"States\": {\n\"A\": {\"Type\": \"Succeed\"},\n\"B\": {\"Type\": \"Pass\", \"Next\": "
         "\"C\"},\n\"C\": {\"Type\": \"Pass\", \"Next\": \"B\"},\n\"D\": {\"Type\": \"Wait\", \"Seconds\": 1, "
         "\"Next\": \"D\"}}}",
         "MISSING_TRANSITION_TARGET State \"D\" is not reachable. at /States/D\n"
         "MISSING_TRANSITION_TARGET State \"B\" is not reachable. at /States/B\n"
         "MISSING_TRANSITION_TARGET State \"C\" is not reachable. at /States/C"},
        {ONE("\"Type\": \"Map\", \"End\": true, \"Iterator\": {\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": "
             "\"Pass\", \"Next\": \"B\"}, \"C\": {\"Type\": \"Pass\", \"Next\": \"B\"}}}"),
         "MISSING_END_STATE Workflow has no terminal state at /States/A/Iterator\n"
         "MISSING_TRANSITION_TARGET State \"C\" is not reachable. at /States/A/Iterator/States/C"},
        {ONE("\"Type\": \"Pass\""),
         SCHEMA "This object should have only one of the following fields: [Next, End] at /States/A"},
        {ONE("\"Type\": \"Pass\", \"Next\": \"A\", \"End\": true"),
         SCHEMA "There should only be one of the following fields: [Next, End] at /States/A"},
        {ONE("\"Type\": \"Parallel\", \"Next\": \"E\", \"Branches\": [{\"StartAt\": \"B\", \"States\": {\"B\": "
             "{\"Type\": "
             "\"Pass\", \"Next\": \"E\"}, \"C\": {\"Type\": \"Succeed\"}}}]}, \"E\": {\"Type\": \"Succeed\""),
         "MISSING_TRANSITION_TARGET Missing 'Next' target: E at /States/A/Branches[0]/States/B/Next\n"
         "MISSING_TRANSITION_TARGET State \"C\" is not reachable. at /States/A/Branches[0]/States/C"},
        {ONE("\"Type\": \"Parallel\", \"End\": true, \"Branches\": []"),
         SCHEMA "Value cannot be empty at /States/A/Branches"},
        {"{\"StartAt\": \"\", \"States\": {\"\": {\"Type\": \"Succeed\"}}}",
         "INVALID_STATE_NAME Invalid State name: it is empty at /States/"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

static void test_fields(void **state) {
    (void)state;
    static const struct row rows[] = {
        {ONE("\"End\": true"), SCHEMA "These fields are required: [Type] at /States/A"},
        {ONE("\"Type\": \"Pas\", \"End\": true, \"Foo\": 1"),
         SCHEMA "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, "
                "Parallel, Map] at /States/A/Type"},
        {ONE("\"Type\": \"Pass\", \"End\": \"yes\", \"Retry\": [], \"Comment\": 1"),
         SCHEMA "Field 'Retry' is not supported at /States/A\n" SCHEMA
                "Expected value of type String at /States/A/Comment\n" SCHEMA
                "Expected value of type Boolean at /States/A/End\n" SCHEMA
                "This object should have only one of the following fields: [Next, End] at /States/A"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"InputPath\": \"a\", \"OutputPath\": \"$[\", \"ResultPath\": "
             "\"$.a[*]\""),
         SCHEMA "Value must be a valid JSONPath. at /States/A/InputPath\n" SCHEMA
                "Value must be a valid JSONPath. at /States/A/OutputPath\n" SCHEMA
                "Value is not a Reference Path at /States/A/ResultPath"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"Parameters\": {\n\"a\": \"$.x\", \"b.$\": \"x\", \"c\": "
             "[\n{\"d.$\": 1}]}"),
         SCHEMA "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call at "
                "/States/A/Parameters\n" SCHEMA
                "The value for the field 'd.$' must be a valid JSONPath or a valid intrinsic function call at "
                "/States/A/Parameters/c[0]"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"Parameters\": {\n\"a\": \"$.x\", \"b\": [\"$.x\"]}, \"Result\": "
             "{\"a\": "
             "\"$.x\"}"),
         "NO_DOLLAR The value of the field 'a' looks like a JSONPath or an intrinsic function, but the field's name "
         "does "
         "not end with '.$' at /States/A/Parameters/a\n"
         "PASS_RESULT_IS_STATIC The Result of a Pass state is static: a path in it is not evaluated at "
         "/States/A/Result"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"Assign\": {\"states\": 1, \"1a\": 2, \"b-c.$\": \"$\"}"),
         "RESERVED_VARIABLE_NAME Cannot assign to reserved variable '$states'. at /States/A/Assign\n"
         "INVALID_VARIABLE_NAME Invalid variable name '1a': the variable name contains invalid characters. at "
         "/States/A/Assign\n"
         "INVALID_VARIABLE_NAME Invalid variable name 'b-c': the variable name contains invalid characters. at "
         "/States/A/Assign"},
        {ONE("\"Type\": \"Pass\", \"End\": true, \"ResultPath\": \"$v\""),
         SCHEMA "Value is not a Reference Path at /States/A/ResultPath"},
        {ONE("\"Type\": \"Wait\", \"End\": true, \"SecondsPath\": \"$$.Execution.Input.n\""),
         SCHEMA "Value is not a Reference Path at /States/A/SecondsPath"},
        {ONE("\"Type\": \"Wait\", \"End\": true, \"SecondsPath\": \"$v.n\""), ""},
        {ONE("\"Type\": \"Wait\", \"End\": true"),
         SCHEMA "This object should have only one of the following fields: [SecondsPath, Seconds, TimestampPath, "
                "Timestamp] at /States/A"},
        {ONE("\"Type\": \"Wait\", \"End\": true, \"Seconds\": 1, \"Timestamp\": \"2020-01-01T00:00:00Z\""),
         SCHEMA "There should only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] "
                "at /States/A"},
        {ONE("\"Type\": \"Wait\", \"End\": true, \"Seconds\": 100000000"),
         SCHEMA "Maximum value is 99999999 at /States/A/Seconds"},
        {ONE("\"Type\": \"Wait\", \"End\": true, \"Seconds\": 1.5"),
         SCHEMA "Expected value of type Integer at /States/A/Seconds"},
        {ONE("\"Type\": \"Fail\", \"Cause\": \"$.x\", \"Error\": \"a\", \"ErrorPath\": \"$.x\""), SCHEMA
         "There should only be one of the following fields: [Error, ErrorPath] at /States/A\n"
         "NO_PATH The value of the field 'Cause' looks like a path, but the field's name does not end with 'Path' at "
         "/States/A/Cause"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

#define TASK(more) ONE("\"Type\": \"Task\", \"End\": true, " more)
#define ACTIVITY "\"Resource\": \"arn:aws:states:eu-west-1:123456789012:activity:a\""

static void test_task(void **state) {
    (void)state;
    static const struct row rows[] = {
        {TASK("\"TimeoutSeconds\": 0"), SCHEMA "These fields are required: [Resource] at /States/A\n" SCHEMA
                                               "Minimum value is 1 at /States/A/TimeoutSeconds"},
        {TASK("\"Resource\": \"create\""), SCHEMA "Value is not a valid resource ARN at /States/A/Resource"},
        {TASK("\"Resource\": \"arn:aws:states:::lambda:invoke.sync\""),
         SCHEMA "The resource provided arn:aws:states:::lambda:invoke.sync is not recognized. The value is not a "
                "valid resource ARN, or the resource is not available in this region. at /States/A/Resource"},
        {TASK("\"Resource\": \"arn:aws:states:::lambda:invoke\""),
         SCHEMA "Parameters field is required for resource ARN: arn:aws:states:::lambda:invoke at /States/A"},
        {TASK("\"Resource\": \"arn:aws:states:::sqs:sendMessage\", \"Parameters\": {\"QueueUrl.$\": \"$.q\"}"),
         SCHEMA "The field 'MessageBody' is required but was missing at /States/A/Parameters"},
        {TASK(ACTIVITY ", \"TimeoutSeconds\": 10, \"HeartbeatSeconds\": 10"),
         SCHEMA "HeartbeatSeconds must be smaller than TimeoutSeconds at /States/A/HeartbeatSeconds"},
        {TASK(ACTIVITY ", \"TimeoutSeconds\": 10, \"TimeoutSecondsPath\": \"$.x\""),
         SCHEMA "There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath] at /States/A"},
        {TASK(ACTIVITY ", \"Credentials\": {\"RoleArn.$\": \"$.r\"}"),
         SCHEMA "The field 'Credentials' is not supported for activities at /States/A/Credentials"},
        {TASK(ACTIVITY
              ", \"Retry\": [{\"ErrorEquals\": [\"States.ALL\", \"b\"], \"MaxAttempts\": -1, \"BackoffRate\": 0.5}, "
              "{\"JitterStrategy\": \"HALF\", \"MaxDelaySeconds\": 0, \"Foo\": 1}]"),
         SCHEMA "States.ALL must appear alone and at end of list at /States/A/Retry[0]/ErrorEquals[0]\n" SCHEMA
                "Minimum value is 0 at /States/A/Retry[0]/MaxAttempts\n" SCHEMA
                "Minimum value is 1.0 at /States/A/Retry[0]/BackoffRate\n" SCHEMA
                "Field 'Foo' is not supported at /States/A/Retry[1]\n" SCHEMA
                "These fields are required: [ErrorEquals] at /States/A/Retry[1]\n" SCHEMA
                "Minimum value is 1 at /States/A/Retry[1]/MaxDelaySeconds\n" SCHEMA
                "Value should be one of the following: [NONE, FULL] at /States/A/Retry[1]/JitterStrategy"},
        {TASK(ACTIVITY ", \"Catch\": [{\"ErrorEquals\": [\"States.ALL\"], \"Next\": \"A\"}, {\"ErrorEquals\": [], "
                       "\"ResultPath\": \"$..a\", \"Next\": \"B\"}, 1]"),
         SCHEMA "States.ALL must appear alone and at end of list at /States/A/Catch[0]/ErrorEquals[0]\n" SCHEMA
                "Value cannot be empty at /States/A/Catch[1]/ErrorEquals\n" SCHEMA
                "Value is not a Reference Path at /States/A/Catch[1]/ResultPath\n" SCHEMA
                "Expected value of type Object at /States/A/Catch[2]\n"
                "MISSING_TRANSITION_TARGET Missing 'Next' target: B at /States/A/Catch[1]/Next"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
    static const struct row express[] = {
        {TASK(ACTIVITY), SCHEMA "Express state machine does not support Activity ARN at /States/A/Resource"},
        {TASK("\"Resource\": \"arn:aws:states:::states:startExecution.sync:2\", \"Parameters\": {\"StateMachineArn\": "
              "\"a\"}"),
         SCHEMA "Express state machine does not support '.sync' service integration at /States/A/Resource"},
        {TASK("\"Resource\": \"arn:aws:states:::sqs:sendMessage.waitForTaskToken\", \"Parameters\": {\"QueueUrl\": "
              "\"u\", "
              "\"MessageBody\": \"b\"}"),
         SCHEMA "Express state machine does not support '.waitForTaskToken' service integration  at "
                "/States/A/Resource"},
        {ONE("\"Type\": \"Map\", \"End\": true, \"ItemProcessor\": {\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", "
             "\"ExecutionType\": \"EXPRESS\"}, \"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}}"),
         SCHEMA "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at "
                "/States/A/ItemProcessor/ProcessorConfig/Mode"},
    };
    check_rows(express, ARRAY_LENGTH(express), true);
}

#define CHOICE(rules)                                                                                                  \
    ONE("\"Type\": \"Choice\", \"Default\": \"B\", \"Choices\": " rules "}, \"B\": {\"Type\": \"Succeed\"")

static void test_choice(void **state) {
    (void)state;
    static const struct row rows[] = {
        {ONE("\"Type\": \"Choice\", \"Default\": \"B\"}, \"B\": {\"Type\": \"Succeed\""),
         SCHEMA "These fields are required: [Choices] at /States/A"},
        {CHOICE("[]"), SCHEMA "Value cannot be empty at /States/A/Choices"},
        {CHOICE("[{\"Variable\": \"$.a\", \"IsNull\": true}]"),
         SCHEMA "These fields are required: [Next] at /States/A/Choices[0]"},
        {CHOICE("[{\"Next\": \"B\"}, {\"Next\": \"C\", \"Variable\": \"a\", \"IsNull\": 1}]"), SCHEMA
         "The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at "
         "/States/A/Choices[0]\n" SCHEMA "Value is not a Reference Path: Reference path didn't start with '$' at "
         "/States/A/Choices[1]/Variable\n" SCHEMA "Expected value of type Boolean at /States/A/Choices[1]/IsNull\n"
         "MISSING_TRANSITION_TARGET Missing 'Next' target: C at /States/A/Choices[1]/Next"},
        {CHOICE("[{\"Next\": \"B\", \"And\": [{\"Next\": \"B\", \"Variable\": \"$.a\", \"NumericEquals\": \"1\"}, "
                "{\"Or\": []}, {\"Not\": {\"Variable\": \"$.a\", \"StringEquals\": \"a\", \"StringMatchesPath\": "
                "\"$\"}}]}]"),
         SCHEMA "Field 'Next' is not supported at /States/A/Choices[0]/And[0]\n" SCHEMA
                "Expected value of type Double at /States/A/Choices[0]/And[0]/NumericEquals\n" SCHEMA
                "Value cannot be empty at /States/A/Choices[0]/And[1]/Or\n" SCHEMA
                "Field 'StringMatchesPath' is not supported at /States/A/Choices[0]/And[2]/Not"},
        {CHOICE("[{\"Next\": \"B\", \"Variable\": \"$.a\", \"StringEquals\": \"a\", \"TimestampEquals\": \"now\"}]"),
         SCHEMA "String does not match RFC3339 timestamp at /States/A/Choices[0]/TimestampEquals\n" SCHEMA
                "There should only be one of the following fields: [StringEquals, TimestampEquals] at "
                "/States/A/Choices[0]"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

#define MAP(more) ONE("\"Type\": \"Map\", \"End\": true" more)
#define LEAF "\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}"
#define FAR                                                                                                            \
    "\"ItemProcessor\": {\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", \"ExecutionType\": \"STANDARD\"}, " LEAF "}"

static void test_map(void **state) {
    (void)state;
    static const struct row rows[] = {
        {MAP(""), SCHEMA "This object should have only one of the following fields: [ItemProcessor, Iterator] at "
                         "/States/A"},
        {MAP(", \"ItemProcessor\": {" LEAF ", \"QueryLanguage\": \"JSONata\"}, \"MaxConcurrency\": -1, "
             "\"ToleratedFailurePercentage\": 101"),
         SCHEMA "Field 'QueryLanguage' is not supported at /States/A/ItemProcessor\n" SCHEMA
                "Minimum value is 0 at /States/A/MaxConcurrency\n" SCHEMA
                "Maximum value is 100.0 at /States/A/ToleratedFailurePercentage"},
        {MAP(", \"ItemProcessor\": {" LEAF "}, \"Label\": \"x\", \"ItemBatcher\": {\"MaxItemsPerBatch\": 1}"), SCHEMA
         "Field 'ItemBatcher' is not supported at /States/A\n" SCHEMA "Field 'Label' is not supported at /States/A"},
        {MAP(", \"ItemProcessor\": {\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\"}, \"StartAt\": \"B\"}"),
         SCHEMA "These fields are required: [ExecutionType] at /States/A/ItemProcessor/ProcessorConfig\n" SCHEMA
                "These fields are required: [States] at /States/A/ItemProcessor"},
        {MAP(", " FAR ", \"ResultWriter\": {}"),
         SCHEMA "This object should have only one of the following fields: [Resource, WriterConfig] at "
                "/States/A/ResultWriter"},
        {MAP(", " FAR ", \"ResultWriter\": {\"Resource\": \"arn:aws:states:::s3:putObject\", \"WriterConfig\": "
             "{\"OutputType\": \"CSV\"}}"),
         SCHEMA
         "These fields are required: [Parameters] at /States/A/ResultWriter\n" SCHEMA
         "Value should be one of the following: [JSON, JSONL] at /States/A/ResultWriter/WriterConfig/OutputType"},
        {MAP(", " FAR ", \"Label\": \"a b\", \"ItemReader\": {\"Resource\": \"arn:aws:states:::s3:putObject\", "
             "\"ReaderConfig\": {\"InputType\": \"CSV\"}}"),
         SCHEMA
         "The field 'Resource' does not match any of the allowed values at /States/A/ItemReader/Resource\n" SCHEMA
         "The field 'CSVHeaderLocation' is required at /States/A/ItemReader/ReaderConfig\n"
         "INVALID_LABEL_NAME Invalid Label name: a b at /States/A/Label"},
        {MAP(", " FAR ", \"ItemReader\": {\"Resource\": \"arn:aws:states:::s3:getObject\", "
             "\"ReaderConfig\": {\"InputType\": \"JSON\", \"CSVHeaders\": [\"a\"], \"MaxItems\": 1, \"MaxItemsPath\": "
             "\"$.x\"}}"),
         SCHEMA "Field 'CSVHeaders' is not supported at /States/A/ItemReader/ReaderConfig\n" SCHEMA
                "There should only be one of the following fields: [MaxItems, MaxItemsPath] at "
                "/States/A/ItemReader/ReaderConfig"},
    };
    check_rows(rows, ARRAY_LENGTH(rows), false);
}

/* ---- hostile definitions ---- */

static void test_long_names(void **state) {
    (void)state;
    char name[82] = "";
    memset(name, 'n', 81);
    ARENA_OWNED struct arena *arena = arena_open();
    const char *text =
        arena_format(arena, "{\"StartAt\": \"%s\", \"States\": {\"%s\": {\"Type\": \"Succeed\"}}}", name, name);
    TEXT_OWNED char *found = checked(text, false);
    assert_non_null(strstr(found, "INVALID_STATE_NAME Invalid State name: nnn"));
    assert_non_null(strstr(found, "exceeds the 80-character limit allowed by the service at /States/nnn"));
    name[80] = '\0';
    text = arena_format(arena, "{\"StartAt\": \"%s\", \"States\": {\"%s\": {\"Type\": \"Succeed\"}}}", name, name);
    TEXT_OWNED char *fine = checked(text, false);
    assert_string_equal(fine, "");
}

static void test_depth(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, MIB);
    for (int i = 0; i < 100000; i++)
        text_append(&text, "[");
    TEXT_OWNED char *found = checked(text.data, false);
    assert_true(text_starts(found, "TOO_DEEPLY_NESTED The definition is nested deeper than 100 levels at "));
}

static void test_sizes(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, 2 * MIB);
    text_append(&text, "{\"StartAt\": \"0\", \"States\": {");
    for (int i = 0; i <= LIMIT_FLOW_STATES; i++)
        text_append_format(&text, "%s\"%d\": {\"Type\": \"Pass\", \"Next\": \"%d\"}", i ? "," : "", i, i + 1);
    text_append(&text, "}}");
    TEXT_OWNED char *found = checked(text.data, false);
    assert_string_equal(found, SCHEMA "A state machine can have at most 10000 states at /States/10000\n"
                                      "MISSING_TRANSITION_TARGET Missing 'Next' target: 10000 at /States/9999/Next");
    while (text.length <= LIMIT_FLOW_DEFINITION_BYTES)
        text_append(&text, "                                ");
    TEXT_OWNED char *too_long = checked(text.data, false);
    assert_non_null(strstr(too_long, "bytes long; at most 1048576 are allowed"));
}

/* As many faults as a text can hold: some are kept, all are counted. */
static void test_many_faults(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, 2 * MIB);
    text_append(&text, "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"");
    for (int i = 0; i < 50000; i++)
        text_append_format(&text, ", \"f%d\": 1", i);
    text_append(&text, "}}}");
    struct diagnostics *diagnostics = diagnostics_open();
    assert_null(compile(text.data, false, diagnostics));
    assert_int_equal(diagnostics->errors, 50000);
    assert_int_equal(diagnostics->count, LIMIT_FLOW_DIAGNOSTICS);
    assert_true(diagnostics->truncated);
    diagnostics_close(diagnostics);
}

static void test_numbers(void **state) {
    (void)state;
    TEXT_OWNED char *real = checked(ONE("\"Type\": \"Wait\", \"End\": true, \"Seconds\": 1e999"), false);
    assert_true(text_starts(real, "INVALID_JSON_DESCRIPTION real number overflow"));
    TEXT_OWNED char *whole = checked(ONE("\"Type\": \"Pass\", \"Result\": 99999999999999999999, \"End\": true"), false);
    assert_true(text_starts(whole, "INVALID_JSON_DESCRIPTION too big integer"));
    TEXT_OWNED char *fits = checked(ONE("\"Type\": \"Wait\", \"End\": true, \"Seconds\": 9223372036854775807"), false);
    assert_string_equal(fits, SCHEMA "Maximum value is 99999999 at /States/A/Seconds");
}

static void test_line(void **state) {
    (void)state;
    struct diagnostics *diagnostics = diagnostics_open();
    assert_null(compile(
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\", \"Parameters\": {\"x\": "
        "\"$.y\"}}}}",
        false, diagnostics));
    ARENA_OWNED struct arena *arena = arena_open();
    assert_string_equal(diagnostics_line(diagnostics, arena),
                        "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next, MISSING_END_STATE: "
                        "Workflow has no terminal state at null");
    diagnostics_close(diagnostics);
    diagnostics_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),  cmocka_unit_test(test_text_positions), cmocka_unit_test(test_text),
        cmocka_unit_test(test_duplicates), cmocka_unit_test(test_machine),        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_task),           cmocka_unit_test(test_choice),
        cmocka_unit_test(test_map),        cmocka_unit_test(test_long_names),     cmocka_unit_test(test_depth),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_many_faults),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
