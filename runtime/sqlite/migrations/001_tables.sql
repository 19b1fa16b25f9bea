-- The tables. They share the file with the application's own, so every name
-- begins with jobgen_. Times and durations are microseconds, times since 1970
-- in UTC. All writing is done in immediate transactions, of which the file has
-- one at a time: what a statement has found is still so for the next.

-- What has been done to the tables: one row per file of this folder. The
-- file's user_version is left to the application.
CREATE TABLE jobgen_migration (
  version INTEGER PRIMARY KEY,
  name    TEXT    NOT NULL,
  applied INTEGER NOT NULL
) STRICT;

-- Queues. The counters go up with every commit that may have made a job
-- claimable or taken a claim from its holder; by them other processes learn
-- which of their waiters to wake. No claim expires before the time expires, and
-- none was made after the time claimed.
CREATE TABLE jobgen_queue (
  number   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  name     TEXT    NOT NULL UNIQUE,
  arrivals INTEGER NOT NULL DEFAULT 0,
  revoked  INTEGER NOT NULL DEFAULT 0,
  expires  INTEGER NOT NULL DEFAULT 9223372036854775807,
  claimed  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What the payloads of each type and version hold, as the last program that was
-- started means it: driver.Fields.
CREATE TABLE jobgen_type (
  name    TEXT    NOT NULL,
  version INTEGER NOT NULL,
  fields  TEXT    NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- Snowflake node numbers, leased to one process each. The number whose lease
-- has been over for longest goes first, so that none is used again soon.
CREATE TABLE jobgen_node (
  number  INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 1023),
  holder  TEXT,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX jobgen_node_expires ON jobgen_node (expires, number);
INSERT INTO jobgen_node (number, expires)
WITH RECURSIVE n (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM n WHERE number < 1023)
SELECT number, 0 FROM n;

-- The ten priorities. A claim walks them in order and takes each one's jobs
-- from the index, so jobs that are not due yet are never looked at.
CREATE TABLE jobgen_priority (
  number INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 9)
) STRICT;
INSERT INTO jobgen_priority VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);

-- Jobs that wait or are claimed, and no others. The id is the rowid: ids grow,
-- so new jobs go to the end of the table. A claim leaves the row as it is.
CREATE TABLE jobgen_job (
  id              INTEGER PRIMARY KEY,
  queue           INTEGER NOT NULL,
  priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
  payload_version INTEGER NOT NULL CHECK (payload_version > 0),
  attempts        INTEGER NOT NULL DEFAULT 0, -- over so far, without the one that runs
  max_attempts    INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  due             INTEGER NOT NULL,
  max_work        INTEGER NOT NULL CHECK (max_work >= 0),
  type            TEXT    NOT NULL,
  payload         TEXT    NOT NULL,
  CONSTRAINT jobgen_job_attempts_within_limit CHECK (attempts BETWEEN 0 AND max_attempts AND max_attempts <= 2147483647)
) STRICT;

-- Which jobs wait, in claim order. Every job has a row here or in
-- jobgen_claim, and none has both.
CREATE TABLE jobgen_waiting (
  queue    INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  job      INTEGER NOT NULL,
  PRIMARY KEY (queue, priority, due, job)
) STRICT, WITHOUT ROWID;

-- Which jobs are claimed. There are as many as are being worked, so what looks
-- for expired claims reads them all; jobgen_queue.expires says when to.
CREATE TABLE jobgen_claim (
  job          INTEGER PRIMARY KEY,
  queue        INTEGER NOT NULL,
  number       INTEGER NOT NULL, -- of the attempt
  max_attempts INTEGER NOT NULL, -- the job's
  claimed      INTEGER NOT NULL,
  expires      INTEGER NOT NULL,
  handler      TEXT    NOT NULL,
  CONSTRAINT jobgen_claim_within_limit CHECK (number >= 0 AND number < max_attempts)
) STRICT;

-- One row per attempt that is over or whose job is.
--   outcome  0 open: the job ended while this attempt ran; its handler has not reported yet
--            1 completed, and its success counted
--            2 failed
--            3 superseded: completed after another attempt had
--            4 lost: its claim expired; its handler has not reported yet
-- Rows are added in the order of time, and removed in it when they are old.
CREATE TABLE jobgen_attempt (
  seq     INTEGER PRIMARY KEY,
  queue   INTEGER NOT NULL,
  job     INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  handler TEXT    NOT NULL,
  outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 4),
  claimed INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  type    TEXT    NOT NULL, -- the job's, and the version of its payload
  version INTEGER NOT NULL,
  reason  TEXT    NOT NULL DEFAULT '',
  log     BLOB
) STRICT;
CREATE UNIQUE INDEX jobgen_attempt_of_job ON jobgen_attempt (job, number);

-- Jobs that ended without success: dead ones can be revived, cancelled ones
-- are remembered so that cancelling twice is no error. A job that completed
-- leaves its attempts and nothing else.
CREATE TABLE jobgen_ended_job (
  id              INTEGER PRIMARY KEY,
  queue           INTEGER NOT NULL,
  state           TEXT    NOT NULL CHECK (state IN ('dead', 'cancelled')),
  ended           INTEGER NOT NULL,
  priority        INTEGER NOT NULL,
  payload_version INTEGER NOT NULL,
  attempts        INTEGER NOT NULL,
  max_attempts    INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  due             INTEGER NOT NULL,
  max_work        INTEGER NOT NULL,
  type            TEXT    NOT NULL,
  payload         TEXT    NOT NULL
) STRICT;
CREATE INDEX jobgen_ended_job_dead ON jobgen_ended_job (queue, id) WHERE state = 'dead';
CREATE INDEX jobgen_ended_job_cancelled ON jobgen_ended_job (ended) WHERE state = 'cancelled';
