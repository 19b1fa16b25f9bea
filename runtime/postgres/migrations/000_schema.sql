CREATE SCHEMA IF NOT EXISTS jobgen;

-- The schema and what has been done to it: one row per file of this folder.
-- This file is left out where the table is there.

CREATE TABLE jobgen.migration (
  version  integer PRIMARY KEY,
  name     text NOT NULL,
  applied  timestamptz NOT NULL DEFAULT clock_timestamp()
);
