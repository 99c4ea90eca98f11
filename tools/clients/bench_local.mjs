// The peer in process: reads {definition, input, executions, window} and runs them with aws-local-stepfunctions, `window` at a time.
import { readFileSync } from "node:fs";
import { StateMachine } from "aws-local-stepfunctions";

const { definition, input, executions, window } = JSON.parse(readFileSync(0, "utf8"));
const machine = new StateMachine(definition);
const run = async (count) => {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await machine.run(input).result;
  };
  await Promise.all(Array.from({ length: window }, lane));
};
await run(100); // warm
const start = process.hrtime.bigint();
await run(executions);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log(JSON.stringify({ executions, seconds }));
