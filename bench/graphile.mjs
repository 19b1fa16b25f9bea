// Works graphile-worker jobs on orders from stdin, and writes the number of
// each job to stdout as its task is called: eight bytes, little-endian. -1 says
// that an order has been carried out.
import { createInterface } from "node:readline";
import pg from "pg";
import { Logger, run, runMigrations } from "graphile-worker";

const concurrentJobs = Number(process.env.BENCH_CONCURRENCY);
const pgPool = new pg.Pool({ max: 10 }); // the connection is in PGHOST and so on
const logger = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});
const preset = {
  worker: {
    concurrentJobs,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    pollInterval: 1000,
  },
};

let called = [];
function tell(seq) {
  if (called.length === 0) setImmediate(flush);
  called.push(seq);
}
function flush() {
  const data = Buffer.allocUnsafe(8 * called.length);
  called.forEach((seq, i) => data.writeBigInt64LE(BigInt(seq), 8 * i));
  called = [];
  process.stdout.write(data);
}
const taskList = { email: (payload) => tell(payload.account_id) };

let runner;
const orders = {
  migrate: () => runMigrations({ pgPool, logger, preset }),
  start: async () => {
    runner = await run({ pgPool, logger, preset, taskList, noHandleSignals: true });
  },
  stop: () => runner.stop(),
};
for await (const line of createInterface({ input: process.stdin })) {
  await orders[line]();
  tell(-1);
}
process.exit(0);
