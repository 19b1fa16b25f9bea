-- oldest: 1
--
-- The tables. Everything lives in one schema; "jobgen" stands for the name
-- that the user chose and is replaced before a statement is sent.
--
-- The queue's number leads every key, index and statement, so that the tables
-- can be distributed by it. Columns stand in the order that leaves no gaps
-- between them, which every row and its WAL would carry.

-- Numbers of queues, job types and handlers are made from their names (see
-- name_number), so that a name has the same number in a database that was put
-- back in time, in a standby that had not received it, in a subscriber, and on
-- each node of a cluster: nothing is taken for what another name stands for.

-- A deleted queue keeps its row.
CREATE TABLE jobgen.queue (
  number     integer PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 255),
  created    timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted    timestamptz
);

-- A job type at one version of its payload. A job row names both by number, so
-- that a claim which takes only what its program understands compares numbers.
-- fields describes the payload as the program does that last opened the schema
-- with this type; program and holder say which program and process that is.
CREATE TABLE jobgen.job_type (
  number     integer PRIMARY KEY,
  name       text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
  version    smallint NOT NULL CHECK (version > 0),
  fields     text NOT NULL DEFAULT '',
  program    text NOT NULL DEFAULT '',
  holder     uuid,
  UNIQUE (name, version)
);

-- Snowflake node numbers, leased to one process each. The process whose lease
-- has been over for longest goes first, so that a number is not used again
-- while clocks may differ. The lease is renewed every few seconds and is the
-- one sign of life that a process gives. It has been valid without a gap since
-- "since", by the database's clock.
CREATE TABLE jobgen.node (
  number     smallint PRIMARY KEY CHECK (number BETWEEN 0 AND 1023),
  holder     uuid,
  expires    timestamptz NOT NULL,
  since      timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 50);
CREATE INDEX node_holder ON jobgen.node (holder) WHERE holder IS NOT NULL;

-- Handler ids are interned: a job row names its handler by number. A worker's
-- handler names the process that it lives and dies with; where holder is null
-- only the end of a claim says that its handler is gone. used says, to the day or
-- so, when a process last said that it needs the name.
CREATE TABLE jobgen.handler (
  number     integer PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 255),
  created    timestamptz NOT NULL DEFAULT clock_timestamp(),
  used       timestamptz NOT NULL DEFAULT clock_timestamp(),
  holder     uuid
);
CREATE INDEX handler_holder ON jobgen.handler (holder) WHERE holder IS NOT NULL;

INSERT INTO jobgen.node (number, expires) SELECT n, 'epoch' FROM generate_series(0, 1023) AS n;

-- Jobs that wait or are claimed, and no others. No index holds anything that
-- a claim changes, and half of each page is left free, so that a claim is an
-- update within the page (HOT) and leaves the indexes alone.
CREATE TABLE jobgen.job (
  id              bigint      NOT NULL,
  created         timestamptz NOT NULL DEFAULT clock_timestamp(),
  due             timestamptz NOT NULL DEFAULT clock_timestamp(),
  max_work        bigint      NOT NULL DEFAULT 60000000 CHECK (max_work >= 0), -- microseconds
  queue           integer     NOT NULL,
  type            integer     NOT NULL,
  attempts        integer     NOT NULL DEFAULT 0, -- begun so far; the current one is attempts - 1
  max_attempts    integer     NOT NULL DEFAULT 2147483647,
  priority        smallint    NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
  early           boolean     NOT NULL DEFAULT false, -- added with a claim that began before it was due
  handler         integer,                        -- who holds the claim, or null
  claimed         timestamptz,
  expires         timestamptz,
  payload         json        NOT NULL,
  PRIMARY KEY (queue, id),
  CONSTRAINT job_attempts_within_limit CHECK (attempts BETWEEN 0 AND max_attempts),
  CONSTRAINT job_claim_whole CHECK ((handler IS NULL) = (claimed IS NULL) AND (handler IS NULL) = (expires IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
-- The order of claiming. "queue + 0" and "id + 0" keep it apart from the primary
-- key: what looks a job up by its id can use the key alone and what claims can
-- use this alone, so both keep the one plan there is, whatever the statistics
-- say. (With a plain id here, a look-up by id might read this index from end to
-- end, which costs nothing in the eyes of a planner that was told of an empty table.)
CREATE INDEX job_order ON jobgen.job ((queue + 0), priority, due, (id + 0));
-- Where claims can expire that no look at the jobs that are due would meet;
-- "queue - 0" keeps it apart from both.
CREATE INDEX job_early ON jobgen.job ((queue - 0), priority, due, (id + 0)) WHERE early;

-- One row per attempt that is over or whose job is, written once and dropped
-- with its day's partition. It says of what type its job was, which nothing else
-- says once the job has completed.
--   outcome  0 open: the job ended while this attempt ran; its handler has not spoken yet
--            1 completed, and its success counted
--            2 failed
--            3 superseded: completed after another attempt had
--            4 lost: its claim expired; its handler has not spoken yet
CREATE TABLE jobgen.attempt (
  job      bigint      NOT NULL,
  claimed  timestamptz NOT NULL,
  ended    timestamptz NOT NULL DEFAULT clock_timestamp(),
  queue    integer     NOT NULL,
  type     integer     NOT NULL,
  number   integer     NOT NULL,
  handler  integer     NOT NULL,
  outcome  smallint    NOT NULL CHECK (outcome BETWEEN 0 AND 4),
  reason   text        NOT NULL DEFAULT '',
  log      bytea       NOT NULL DEFAULT ''  -- a null would cost eight bytes
) PARTITION BY RANGE (ended);
ALTER TABLE jobgen.attempt REPLICA IDENTITY FULL; -- it has no key, and may be published
CREATE INDEX attempt_of_job ON jobgen.attempt (queue, job, number);
CREATE TABLE jobgen.attempt_default PARTITION OF jobgen.attempt DEFAULT;
ALTER TABLE jobgen.attempt_default REPLICA IDENTITY FULL;

-- Jobs that ended without success: dead ones can be revived, cancelled ones
-- are remembered so that cancelling twice is no error. A job that completed
-- leaves its attempts and nothing else.
CREATE TABLE jobgen.ended_job (
  queue           integer     NOT NULL,
  id              bigint      NOT NULL,
  state           text        NOT NULL CHECK (state IN ('dead', 'cancelled')),
  ended           timestamptz NOT NULL DEFAULT clock_timestamp(),
  priority        smallint    NOT NULL,
  type            integer     NOT NULL,
  attempts        integer     NOT NULL,
  max_attempts    integer     NOT NULL,
  created         timestamptz NOT NULL,
  due             timestamptz NOT NULL,
  max_work        bigint      NOT NULL,
  payload         json        NOT NULL,
  PRIMARY KEY (queue, id)
);
CREATE INDEX ended_job_dead ON jobgen.ended_job (queue, id) WHERE state = 'dead';
